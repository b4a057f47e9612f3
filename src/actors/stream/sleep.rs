//! Snapshots, and going to sleep.

use actix::{ActorContext, Context};
use bridge_core::aggregate::Aggregate;
use bridge_core::limits;
use bridge_core::ports::Snapshot;

use super::{Kind, StreamActor};

impl<K: Kind> StreamActor<K> {
    pub(super) fn snapshot_if_due(&mut self) {
        let head = self.state().head();
        if head.get() >= self.snapshot_at.get() + limits::SNAPSHOT_EVERY_RECORDS {
            self.snapshot();
        }
    }

    fn snapshot(&mut self) {
        let Some(body) = self.state().to_snapshot() else {
            return;
        };
        let seq = self.state().head();
        let snapshot = Snapshot {
            seq,
            format: K::State::SNAPSHOT_FORMAT,
            body: body.into(),
        };
        match self
            .bridge
            .log()
            .save_snapshot(self.stream.clone(), snapshot)
        {
            Ok(()) => self.snapshot_at = seq,
            Err(why) => tracing::debug!(stream = %self.stream, error = %why, "no snapshot now"),
        }
    }

    /// Goes to sleep when nobody has wanted anything since the last look.
    pub(super) fn sleep_if_idle(&mut self, ctx: &mut Context<Self>) {
        let was_touched = std::mem::take(&mut self.is_touched);
        let is_idle = self.owner.is_idle() && !self.kind.is_in_use() && !self.is_quarantined;
        if was_touched || !is_idle {
            return;
        }
        let Some(own) = self.own() else {
            return;
        };
        if !K::retire(&self.bridge, &self.stream, own) {
            return;
        }
        if self.state().head() > self.snapshot_at {
            self.snapshot();
        }
        if let Err(why) = self.bridge.log().retire(self.stream.clone()) {
            tracing::debug!(stream = %self.stream, error = %why, "the writer keeps its life");
        }
        tracing::debug!(stream = %self.stream, "the owner goes to sleep");
        ctx.stop();
    }
}
