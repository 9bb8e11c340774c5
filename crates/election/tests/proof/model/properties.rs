//! What must hold in every state.

use duckduckgoose_election::member::Role;
use stateright::Property;

use super::Pond;
use super::state::State;

/// All of them.
pub fn all() -> Vec<Property<Pond>> {
    vec![
        Property::always("never two Geese", |pond: &Pond, state: &State| {
            state.geese(pond).count() <= 1
        }),
        holds(TERMS_RISE),
        holds(STOPPED_BEFORE_RELEASED),
        holds(GIVEN_UP_IS_OVER),
        holds(PROMISES_ARE_KEPT),
        holds(ALL_COMES_TO_REST),
    ]
}

/// Nothing has violated this property yet.
fn holds(property: &'static str) -> Property<Pond> {
    let holds: fn(&Pond, &State) -> bool = match property {
        TERMS_RISE => |_, state| state.judge.violation != Some(TERMS_RISE),
        STOPPED_BEFORE_RELEASED => {
            |_, state| state.judge.violation != Some(STOPPED_BEFORE_RELEASED)
        }
        GIVEN_UP_IS_OVER => |_, state| state.judge.violation != Some(GIVEN_UP_IS_OVER),
        PROMISES_ARE_KEPT => |_, state| state.judge.violation != Some(PROMISES_ARE_KEPT),
        _ => |_, state| state.judge.violation != Some(ALL_COMES_TO_REST),
    };
    Property::always(property, holds)
}

impl Pond {
    /// Rule 7, over all that became Goose; rule 11, over all that promised.
    pub fn judge(&self, state: &mut State) {
        let geese: Vec<_> = state.geese(self).collect();
        // Two of them are judged elsewhere.
        if let [(index, term)] = geese[..] {
            let me = state.nodes[index].member.as_ref().expect("a Goose lives").me().clone();
            let judge = &mut state.judge;
            if judge.promises.iter().any(|(giver, _)| *giver != me) {
                judge.violation = Some(PROMISES_ARE_KEPT);
            }
            if judge.gave_up == Some((index, term)) {
                judge.violation = Some(GIVEN_UP_IS_OVER);
            }
            let reign = (term, me);
            match &judge.reign {
                Some(before) if *before == reign => {}
                Some((greatest, _)) if *greatest >= term => {
                    judge.violation = Some(TERMS_RISE);
                }
                _ => judge.reign = Some(reign),
            }
        }
    }

    /// Rule 1: remembers the term that this member is about to give up, if it leads.
    pub fn note_giving_up(&self, state: &mut State, index: usize) {
        let goose = state.geese(self).find(|(goose, _)| *goose == index);
        state.judge.gave_up = goose;
    }
}

impl State {
    /// The members that would answer "Goose" now.
    pub fn geese<'a>(&'a self, pond: &'a Pond) -> impl Iterator<Item = (usize, u64)> + 'a {
        self.nodes.iter().enumerate().filter_map(|(index, node)| match node.role(pond) {
            Role::Goose { term } => Some((index, term)),
            Role::Duck => None,
        })
    }
}

/// Rule 7: each Goose has a greater term than all before it.
pub const TERMS_RISE: &str = "terms rise";

/// Rule 8: who releases says "Duck" before the release is written.
pub const STOPPED_BEFORE_RELEASED: &str = "stopped before released";

/// Rule 1: who gave its role up is not Goose again in that term.
pub const GIVEN_UP_IS_OVER: &str = "what was given up is over";

/// Rule 11: nobody else is Goose while somebody's promise holds.
pub const PROMISES_ARE_KEPT: &str = "promises are kept";

/// At one instant, members do not write again and again.
pub const ALL_COMES_TO_REST: &str = "all comes to rest";
