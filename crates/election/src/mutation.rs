//! Each rule, broken on purpose.
//!
//! A check that nothing can fail proves nothing. So every rule, and every part
//! of one, has a switch that breaks just it, and `tests/proof` must find what
//! goes wrong then: by model checking, by simulation, or in a story. The
//! switches are there only with the feature `mutations`, which no image has;
//! without it, asking for one is `false` at compile time.

/// What is broken. Named after what the machine does then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "mutations", derive(strum::EnumIter, strum::EnumString))]
pub enum Mutation {
    /// Rule 1: the deadline counts from the answer, not from the sending.
    CountFromAnswer,
    /// Rule 1: evidence of one attempt is credited to the newest one.
    CreditNewestAttempt,
    /// Rule 1: a read that names the member extends its deadline.
    ReadExtends,
    /// Rule 1: what is on its way when the member stops still counts.
    StopVoidsNothing,
    /// Rule 1: the holder keeps no margin for the clocks and for itself.
    NoMargin,
    /// Rule 1: a write without an answer is taken for applied.
    UnknownIsApplied,
    /// Rule 1: a write without an answer ends the role.
    UnknownIsLoss,
    /// Rule 2: the role is what it was at the last input.
    RoleByFlag,
    /// Rule 3: the Goose trusts the boot clock alone, which may be slewed.
    GooseTrustsBoottime,
    /// Rule 3: the Goose trusts the raw clock alone, which stops in sleep.
    GooseTrustsRaw,
    /// Rule 3: what the raw clock missed in sleep is not added to it.
    SleepUncounted,
    /// Rule 3: a waiting Duck believes the faster clock.
    DuckTrustsFaster,
    /// Rule 3: a jump of the wall clock says nothing.
    WallJumpIgnored,
    /// Rule 3: after a jump, what was sent before it makes a Goose again.
    JumpForgotten,
    /// Rule 4: a gap in the watch does not restart the wait.
    GapKeepsWait,
    /// Rule 4: any new version restarts the wait.
    AnyVersionRestartsWait,
    /// Rule 4: a renewal does not restart the wait.
    RenewalKeepsWait,
    /// Rule 4: the record's duration is believed, however short.
    ShortRecordBelieved,
    /// Rule 4: the record's duration is believed, however long.
    LongRecordBelieved,
    /// Rule 4: a record that nobody can read does not restart the wait.
    UnreadableKeepsWait,
    /// Rule 5: writes carry no resourceVersion.
    NoPrecondition,
    /// Rule 5: who finds its name past its deadline goes on.
    RenewPastDeadline,
    /// Rule 5: a refused write ends the role.
    RefusedIsLoss,
    /// Rule 5: a quarantine ends the role.
    QuarantineIsLoss,
    /// Rule 5: a Goose goes on whoever the record names.
    OthersIgnored,
    /// Rule 5: not its own last version, but any that names its pod is taken at
    /// once.
    ResumeByName,
    /// Rule 5: whatever bears an own attempt is its own last version, also an
    /// old copy.
    CopyIsOwn,
    /// Rule 6: an object without its own stamp is believed.
    UnstampedBelieved,
    /// Rule 6: the stamp of an object is asked for again and again.
    StampForgotten,
    /// Rule 6: the stamping write keeps the record.
    StampKeepsRecord,
    /// Rule 6: the stamping write makes the record free.
    FirstIsFree,
    /// Rule 6: a quarantine lasts the lease that is wanted now, not the longest
    /// ever used.
    QuarantineForCurrent,
    /// Rule 7: the term is the record's term and one.
    TermIsPlusOne,
    /// Rule 8: a released record is free for whoever reads it.
    FreeUnfollowed,
    /// Rule 8: followed from held in any term is enough.
    FreeFromAnyTerm,
    /// Rule 8: a quarantine is free.
    QuarantineIsFree,
    /// Rule 8: the role ends when the release is known to be applied.
    ReleaseBeforeStop,
    /// Rule 9: a member follows the duration that the Lease says now.
    DurationOfOrders,
    /// Rule 9: sending a shorter lease voids nothing.
    ShorterVoidsNothing,
    /// Rule 10: the death of any incarnation of the pod counts.
    DeathOfPod,
    /// Rule 10: a record that was never seen renewed is released.
    DeathUnseen,
    /// Rule 10: an older attempt of the term counts as a sign of life.
    OldAttemptIsLife,
    /// Rule 10: who was seen renewing before a gap in the watch counts as seen.
    DeathOverGap,
    /// Rule 10: the dead one's promises are forgotten.
    DeathBreaksPromise,
    /// Rule 10: the asker's clock is taken for as good as the keeper's own.
    DeathUnstretched,
    /// Rule 11: a hold is granted that no applied record tells of.
    HoldUntold,
    /// Rule 11: a hold is granted that does not fit before the deadline.
    HoldPastDeadline,
    /// Rule 11: the record tells of a hold once, and then of none.
    HoldLowered,
    /// Rule 11: the release does not wait for what was promised.
    ReleaseBreaksPromise,
    /// Rule 11: the asker's clock is taken for as good as one's own.
    HoldUnstretched,
    /// Rule 11: a shorter lease cuts what was promised short.
    ShorterBreaksPromise,
    /// Orders: a hand-over of an earlier term is obeyed in this one.
    OrderOutlivesTerm,
    /// Orders: members take over in spite of a pause.
    PauseIgnored,
    /// Orders: a fenced member goes on.
    FenceIgnored,
}

/// The mutation of one machine, if it has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Broken {
    #[cfg(feature = "mutations")]
    by: Option<Mutation>,
}

impl Broken {
    /// Whether this is broken: never, in what ships.
    #[cfg(not(feature = "mutations"))]
    pub const fn is(self, _: Mutation) -> bool {
        false
    }

    #[cfg(feature = "mutations")]
    pub fn is(self, mutation: Mutation) -> bool {
        self.by == Some(mutation)
    }

    #[cfg(feature = "mutations")]
    pub fn by(mutation: Option<Mutation>) -> Broken {
        // Is in every binary that has the feature, and is looked for there.
        std::hint::black_box(MARKER);
        Broken { by: mutation }
    }
}

/// Stands in every binary that was built with the feature `mutations`, and in no
/// image.
pub const MARKER: &str = "duckduckgoose was built with rules that can be switched off";
