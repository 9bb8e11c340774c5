//! For each mutation, who finds out what goes wrong.

use std::cell::Cell;
use std::sync::Once;

use duckduckgoose_election::mutation::Mutation;
use strum::IntoEnumIterator;

use super::search::{Found, Search};
use super::{Pond, configurations};
use crate::{simulation, stories};

/// Who finds out.
enum Finder {
    /// The model checker, in this configuration.
    Model(&'static str),
    /// The simulation, within [`SEEDS`] seeds.
    Simulation,
    /// A story: where only availability is lost, no model of safety can.
    Story(&'static str),
}

use Finder::{Model, Simulation, Story};

#[test]
fn every_broken_rule_is_found() {
    be_quiet_about_expected_panics();
    let only = std::env::var("MUTATION").ok();
    let mut survivors = Vec::new();
    for mutation in Mutation::iter() {
        let name = format!("{mutation:?}");
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        match find(mutation, &finder(mutation)) {
            Some(found) => println!("{name}: {found}"),
            None => survivors.push(name),
        }
    }
    assert!(
        survivors.is_empty(),
        "rules that nothing checks, or that nothing needs: {survivors:?}"
    );
}

/// Who finds this one; where more than one does, the one that tells most.
fn finder(mutation: Mutation) -> Finder {
    use Mutation::*;
    match mutation {
        CountFromAnswer | CreditNewestAttempt | ReadExtends | NoMargin => Model("frozen"),
        StopVoidsNothing => Model("hand-over"),
        UnknownIsApplied => Model("late messages"),
        UnknownIsLoss => Story("rule-01-sent-not-answered"),
        RoleByFlag => Model("frozen"),
        GooseTrustsBoottime => Model("the Goose's boot clock slewed"),
        GooseTrustsRaw => Model("asleep"),
        SleepUncounted => Model("the Goose's boot clock slewed"),
        DuckTrustsFaster => Model("the Duck's boot clock slewed"),
        // The model finds it too ("paused", in 6 steps); this way, the simulation
        // is seen to find something.
        WallJumpIgnored => Simulation,
        JumpForgotten => Model("paused"),
        GapKeepsWait => Model("old copies in place"),
        AnyVersionRestartsWait => Story("attack-14-waiting-for-ever"),
        RenewalKeepsWait => Model("late watches"),
        ShortRecordBelieved => Model("edits"),
        LongRecordBelieved => Story("attack-07-edited-to-last-for-ever"),
        UnreadableKeepsWait => Model("the Goose is of the next version"),
        NoPrecondition => Model("late watches"),
        RenewPastDeadline => Model("old copies in place"),
        RefusedIsLoss => Story("attack-15-conflict-read-as-loss"),
        QuarantineIsLoss => Story("rule-06-new-lease-is-nobodys"),
        OthersIgnored => Model("three members and old copies"),
        CopyIsOwn => Model("old copies in place"),
        ResumeByName => Model("deaths and old copies"),
        UnstampedBelieved => Story("attack-05-old-released-copy-anew"),
        StampForgotten => Story("attack-21-stamp-stripped"),
        // One lease duration per object keeps the first, rule 8 the second from
        // giving two Geese: it takes two faults.
        StampKeepsRecord => Story("attack-05-old-released-copy-anew"),
        FirstIsFree => Story("rule-06-new-lease-is-nobodys"),
        QuarantineForCurrent => Model("a shorter lease"),
        TermIsPlusOne => Model("deletion"),
        FreeUnfollowed | FreeFromAnyTerm => Model("three members and old copies"),
        QuarantineIsFree => Model("deletion"),
        ReleaseBeforeStop => Model("hand-over"),
        DurationOfOrders => Model("a longer lease and old copies"),
        ShorterVoidsNothing => Model("a shorter lease"),
        DeathOfPod => Model("late notice of a death"),
        DeathUnseen => Model("deaths and old copies"),
        OldAttemptIsLife => Story("attack-06-two-old-copies-of-a-dead-holder"),
        DeathOverGap => Model("deaths, old copies and a gap"),
        DeathBreaksPromise => Model("deaths and promises"),
        DeathUnstretched => Model("deaths and promises"),
        HoldUntold => Model("deaths and promises"),
        HoldPastDeadline => Model("promises"),
        HoldLowered => Model("deaths and promises"),
        ReleaseBreaksPromise => Model("promises"),
        HoldUnstretched => Model("promises"),
        ShorterBreaksPromise => Model("a shorter lease and promises"),
        OrderOutlivesTerm => Story("order-hand-over"),
        PauseIgnored | FenceIgnored => Story("order-paused-and-fenced"),
    }
}

/// What was found, in words.
fn find(mutation: Mutation, finder: &Finder) -> Option<String> {
    match finder {
        Model(name) => {
            let pond = configurations::named(name);
            let pond = Pond { mutation: Some(mutation), ..pond };
            let Found { violation, .. } = Search::run(&pond, MOST_STATES, &|_, _| ());
            let (property, way) = violation?;
            Some(format!("{name}, not {property:?} after {} steps: {way:?}", way.len()))
        }
        Simulation => {
            let seed = quietly(|| simulation::first_to_fail(mutation, 0..SEEDS))?;
            Some(format!("seed {seed}"))
        }
        Story(name) => quietly(|| stories::goes_otherwise(name, mutation))
            .then(|| format!("the story {name} goes otherwise")),
    }
}

/// A panic that is the very thing that is wanted need not be told.
fn be_quiet_about_expected_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                tell(info);
            }
        }));
    });
}

fn quietly<T>(work: impl FnOnce() -> T) -> T {
    QUIET.set(true);
    let result = work();
    QUIET.set(false);
    result
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// More than the search for any of these needs.
const MOST_STATES: usize = 1_000_000;

const SEEDS: u64 = 1_000;
