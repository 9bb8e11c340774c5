//! What only a member with a broken rule does.

use crate::clock::Reading;
use crate::member::Member;
use crate::mutation::Mutation;

impl Member {
    /// Rule 1: a read proves nothing.
    pub(super) fn extend_by_read(&mut self, now: &Reading) {
        if !self.broken.is(Mutation::ReadExtends) {
            return;
        }
        let Some(record) = self.known_record().cloned() else { return };
        if let Some(tenure) = &mut self.tenure
            && record.holder.as_ref() == Some(&self.me)
        {
            tenure.extend(now);
        }
    }

    /// Rule 1: no answer is unknown.
    pub(super) fn believe_unanswered(&mut self, now: &Reading, attempt: u64) {
        if !self.broken.is(Mutation::UnknownIsApplied) {
            return;
        }
        let Some(sent) = self.sent.iter().find(|sent| sent.record.attempt == attempt).cloned()
        else {
            return;
        };
        match &mut self.tenure {
            Some(tenure) => tenure.credit(&sent),
            None => self.begin(now, &sent),
        }
    }
}
