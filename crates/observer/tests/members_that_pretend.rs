//! The observer and members that say what a test tells them: what it must find, and what not.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use history::{Fault, Said};
use observer::Observer;

#[tokio::test]
async fn two_geese_are_found() {
    let members = [
        member("pond-0", r#"{"role":"goose","pod":"pond-0","term":5}"#),
        member("pond-1", r#"{"role":"goose","pod":"pond-1","term":9}"#),
    ];
    let mut observer = Observer::of_processes(members.into()).unwrap();
    let proofs = |seen: &observer::Seen| (!seen.proofs.is_empty()).then(|| seen.proofs.clone());
    observer.until("a proof", PATIENCE, proofs).await.unwrap();
    observer.until("both asked often", PATIENCE, |seen| asked_often(seen, 20)).await.unwrap();
    let verdict = observer.stop().verdict();
    let faults: Vec<_> = verdict.geese.iter().map(|proof| proof.fault).collect();
    assert!(faults.contains(&Fault::TwoGeese), "{faults:?}");
}

#[tokio::test]
async fn one_goose_is_found_and_nothing_wrong_with_it() {
    let members = [
        member("pond-0", r#"{"role":"goose","pod":"pond-0","term":5}"#),
        member("pond-1", r#"{"role":"duck","pod":"pond-1","term":5}"#),
    ];
    let mut observer = Observer::of_processes(members.into()).unwrap();
    let goose = observer.goose(PATIENCE).await.unwrap();
    assert_eq!((&*goose.pod, goose.term), ("pond-0", 5));
    observer.until("both asked often", PATIENCE, |seen| asked_often(seen, 20)).await.unwrap();
    let history = observer.stop();
    assert!(history.verdict().is_good());
    assert_eq!(history.reigns().len(), 1);
}

#[tokio::test]
async fn a_member_that_does_not_answer_says_nothing() {
    // It takes connections, by its backlog, and that is all it does.
    let frozen = TcpListener::bind("127.0.0.1:0").unwrap();
    let members = vec![
        ("pond-0".to_owned(), frozen.local_addr().unwrap()),
        member("pond-1", r#"{"role":"duck","pod":"pond-1"}"#),
    ];
    let mut observer = Observer::of_processes(members).unwrap();
    observer.until("one asked often", PATIENCE, |seen| asked_often(seen, 50)).await.unwrap();
    let missing = observer.goose(Duration::from_millis(50)).await.unwrap_err().to_string();
    assert!(missing.starts_with("wanted a Goose within 0.1 s, found pond-0 silent"), "{missing}");
    let history = observer.stop();
    assert!(history.answers.iter().all(|answer| &*answer.pod == "pond-1"));
    assert!(history.answers.iter().all(|answer| answer.said == Said::Duck));
}

#[tokio::test]
async fn another_pod_at_a_members_address_is_not_heard() {
    let stranger = member("pond-0", r#"{"role":"goose","pod":"pond-7","term":5}"#);
    let other = member("pond-1", r#"{"role":"duck","pod":"pond-1"}"#);
    let mut observer = Observer::of_processes(vec![stranger, other]).unwrap();
    observer.until("one asked often", PATIENCE, |seen| asked_often(seen, 20)).await.unwrap();
    assert_eq!(observer.stop().last_term(), None);
}

fn asked_often(seen: &observer::Seen, answers: usize) -> Option<()> {
    (seen.history.answers.len() >= answers).then_some(())
}

/// A member that always answers the same.
fn member(pod: &str, body: &'static str) -> (String, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer(stream.unwrap(), body));
        }
    });
    (pod.to_owned(), address)
}

/// Until the asker goes away.
fn answer(mut stream: TcpStream, body: &str) {
    let questions = BufReader::new(stream.try_clone().unwrap());
    // An empty line ends a question.
    for _ in questions.lines().map_while(Result::ok).filter(String::is_empty) {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
