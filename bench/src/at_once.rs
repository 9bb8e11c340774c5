//! For how long two were Goose at once.

use std::time::Duration;

use history::{History, Reign, Said};
use observer::{Goose, Observer, Seen};
use tokio::time::sleep;

/// Observes on until no two members say that they are Goose, but no longer than this.
pub async fn see_the_end(observer: &Observer, most: Duration) {
    sleep(AFTERWARDS).await;
    let one_at_most =
        observer.until("one Goose at most", most, |seen| (geese(seen) <= 1).then_some(()));
    // Where there is no end to it, the time so far is what is told.
    let _ = one_at_most.await;
}

/// The Goose, where exactly one member says that it is: nothing is to be measured while two do.
pub fn only_goose(seen: &Seen) -> Option<Goose> {
    seen.goose().filter(|_| geese(seen) == 1)
}

/// The longest time for which two members certainly were Goose, by their answers: from the arrival of the later
/// one's first answer to the departure of the last question that the earlier one answered so. Zero where none
/// is certain.
pub fn two_at_once(history: &History) -> Duration {
    let reigns = history.reigns();
    let pairs = reigns
        .iter()
        .enumerate()
        .flat_map(|(index, one)| reigns[index + 1..].iter().map(move |other| (one, other)));
    let different = pairs.filter(|(one, other)| one.member != other.member);
    different.map(|(one, other)| overlap(one, other)).max().unwrap_or_default()
}

fn geese(seen: &Seen) -> usize {
    let says_goose = |said| matches!(said, Some(Said::Goose { .. }));
    seen.members().iter().filter(|one| says_goose(seen.heard(one))).count()
}

fn overlap(one: &Reign, other: &Reign) -> Duration {
    let from = one.first.answered.max(other.first.answered);
    let until = one.last.asked.min(other.last.asked);
    until.saturating_sub(from)
}

/// Who was Goose may answer so for a while still, and who takes over late is late.
const AFTERWARDS: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use history::{Answer, Said};

    use super::*;

    fn says(member: &str, said: Said, asked: u64) -> Answer {
        let (asked, answered) = (Duration::from_millis(asked), Duration::from_millis(asked + 1));
        Answer { member: member.into(), pod: member.into(), said, asked, answered }
    }

    #[test]
    fn the_longest_overlap_of_two_members_counts() {
        let [first, second] = [Said::Goose { term: 5 }, Said::Goose { term: 9 }];
        let mut answers = vec![says("a", first, 0), says("b", second, 100), says("a", first, 150)];
        let history =
            |answers: &[Answer]| History { answers: answers.to_vec(), ..History::default() };
        assert_eq!(two_at_once(&history(&answers)), Duration::ZERO, "b may have stopped at 101");
        answers.push(says("b", second, 200));
        assert_eq!(two_at_once(&history(&answers)), Duration::from_millis(150 - 101));
    }

    #[test]
    fn one_after_the_other_is_no_overlap() {
        let answers = vec![
            says("a", Said::Goose { term: 5 }, 0),
            says("a", Said::Duck, 50),
            says("b", Said::Goose { term: 9 }, 60),
            says("a", Said::Goose { term: 12 }, 90),
        ];
        let history = History { answers, ..History::default() };
        assert_eq!(two_at_once(&history), Duration::ZERO);
    }
}
