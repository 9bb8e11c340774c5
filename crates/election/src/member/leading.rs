//! How a member comes to lead, and how that ends: rules 1, 5 and 8.

use crate::clock::Reading;
use crate::lease::Lease;
use crate::member::tenure::{Sent, Tenure};
use crate::member::{Cause, Member, Output, Role};
use crate::mutation::Mutation;

impl Member {
    /// Rules 1 and 3: a tenure that ran out, or whose clocks cannot be
    /// believed, is over. What it sent may yet turn out to be applied in time.
    pub(super) fn lapse(&mut self, now: &Reading, out: &mut Vec<Output>) {
        if self.broken.is(Mutation::RenewPastDeadline) {
            return;
        }
        if let Some(cause) = self.tenure.as_ref().and_then(|tenure| tenure.lapsed(now)) {
            self.end(cause, out);
        }
    }

    /// Rule 1: evidence that an attempt was applied is credited to the attempt
    /// whose number it carries, and to no other.
    pub(super) fn credit(&mut self, now: &Reading, lease: &Lease, out: &mut Vec<Output>) {
        let Ok(record) = &lease.record else { return };
        let Some(mut sent) = self.sent.iter().find(|sent| sent.record == *record).cloned() else {
            return;
        };
        if self.broken.is(Mutation::CountFromAnswer) {
            sent.at = *now;
        }
        if self.broken.is(Mutation::CreditNewestAttempt) {
            sent.at = self.sent.last().map_or(sent.at, |newest| newest.at);
        }
        if self.broken.is(Mutation::JumpForgotten) {
            sent.at.wall = (now.wall + sent.at.boottime).saturating_sub(now.boottime);
        }
        self.sent.retain(|other| other.record.attempt > record.attempt);
        if self.broken.is(Mutation::CopyIsOwn) {
            self.own = Some((lease.uid.clone(), lease.version));
        }
        let was = self.role_at(now);
        match &mut self.tenure {
            Some(tenure) if tenure.term == record.term => tenure.credit(&sent),
            Some(tenure) if tenure.term > record.term => {}
            _ => self.begin(now, &sent),
        }
        let is = self.role_at(now);
        if is != was {
            out.push(Output::Became(is, sent.cause));
        }
    }

    /// A taking turned out to be applied. One that is shutting down is not Goose
    /// by it, but has something to release.
    pub(super) fn begin(&mut self, now: &Reading, sent: &Sent) {
        let tenure = Tenure::begin(sent, self.broken);
        self.tenure = tenure.is_goose(now).then_some(tenure);
        if self.shutting_down {
            self.stop(Cause::ShutDown, &mut Vec::new());
        }
    }

    /// Rule 5: a Goose goes on while the record names this incarnation and
    /// term, or is a quarantine; also while nobody can tell what it says.
    pub(super) fn yield_to_others(&mut self, out: &mut Vec<Output>) {
        let Some(tenure) = &self.tenure else { return };
        let Some(record) = self.known_record() else { return };
        let names_me = record.holder.as_ref() == Some(&self.me) && record.term == tenure.term;
        let quarantine = record.is_quarantine() && !self.broken.is(Mutation::QuarantineIsLoss);
        if !names_me && !quarantine && !self.broken.is(Mutation::OthersIgnored) {
            let cause = tenure.stopped.unwrap_or(Cause::Superseded);
            self.end(cause, out);
            self.sent.clear();
            self.own = None;
        }
    }

    /// The operator's orders, which bind from when they are seen.
    pub(super) fn obey_orders(&mut self, out: &mut Vec<Output>) {
        let Some(lease) = self.lease.as_ref().filter(|lease| self.is_stamped(lease)) else {
            return;
        };
        let Some(tenure) = &self.tenure else { return };
        let orders = &lease.orders;
        let any_term = self.broken.is(Mutation::OrderOutlivesTerm);
        if self.is_fenced(orders) {
            self.stop(Cause::Fenced, out);
        } else if let Some(order) = &orders.handover
            && (order.term == tenure.term || any_term)
            && order.to != self.me.pod_uid()
        {
            self.stop(Cause::HandOverOrdered, out);
        }
    }

    /// Rule 8, first part: the role is Duck from here on, and every attempt
    /// still on its way is void; the release is written when it is due.
    pub(super) fn stop(&mut self, cause: Cause, out: &mut Vec<Output>) {
        let Some(tenure) = &mut self.tenure else { return };
        if tenure.stopped.is_some() {
            return;
        }
        tenure.stopped = Some(cause);
        self.gave_up = Some(tenure.term);
        if !self.broken.is(Mutation::StopVoidsNothing) {
            self.sent.clear();
        }
        self.own = None;
        self.in_flight = None;
        self.pause.end();
        self.last_end = Some(cause);
        out.push(Output::Became(Role::Duck, cause));
    }

    /// The tenure is over without anything left to say.
    pub(super) fn end(&mut self, cause: Cause, out: &mut Vec<Output>) {
        let told_before = self.tenure.take().is_some_and(|tenure| tenure.stopped.is_some());
        if !told_before {
            self.last_end = Some(cause);
            out.push(Output::Became(Role::Duck, cause));
        }
    }
}
