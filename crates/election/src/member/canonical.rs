//! A member's state without what no rule looks at.

use std::time::Duration;

use crate::canonical::{Canonical, Renaming};
use crate::member::Member;
use crate::member::silence::Silence;
use crate::timing::{HEAD_START, stagger};

impl Canonical for Member {
    fn canonical(&mut self, renaming: &mut dyn Renaming) {
        self.lease.canonical(renaming);
        self.following.canonical(renaming);
        self.tenure.canonical(renaming);
        self.sent.canonical(renaming);
        let credited = self.tenure.as_mut().map(|tenure| &mut tenure.credited_attempt);
        let in_flight = self.in_flight.as_mut().map(|sent| &mut sent.attempt);
        for attempt in [Some(&mut self.attempt), in_flight, credited].into_iter().flatten() {
            renaming.attempt(Some(&self.me), attempt);
        }
        // Of an older version than the newest known, neither will matter again.
        let newest = self.lease.as_ref().map_or(0, |lease| lease.version);
        self.own = self.own.take().filter(|(_, version)| *version >= newest);
        self.outdated = self.outdated.filter(|version| *version >= newest);
        let own = self.own.as_mut().map(|(_, version)| version);
        for version in [own, self.outdated.as_mut(), self.gave_up.as_mut()].into_iter().flatten() {
            renaming.version(version);
        }
        match &mut self.in_flight {
            Some(sent) if sent.on >= newest => renaming.version(&mut sent.on),
            Some(sent) => sent.on = 0,
            None => {}
        }
        self.pause.canonical(renaming);
        if let Some(able) = &mut self.able_since {
            renaming.instant(able);
        }
        let now = renaming.now();
        if let Some(able) = &mut self.able_since
            && able.plus(HEAD_START + stagger(None, 999, false)).reached_on_both(&now)
        {
            *able = able.with(*able, |_, _| Duration::ZERO);
        }
        // When it reads again is the model's choice; the rest is for people.
        self.silence = Silence::new(self.timing.silence(), self.jitter);
        self.last_end = None;
    }
}
