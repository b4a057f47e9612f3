//! Something is due: the store knows what.

use actix::fut::{ActorFutureExt, wrap_future};
use actix::{AsyncContext, Context};
use bridge_core::mailbox::{Due, MailboxCommand};
use bridge_core::ports::{DueDelivery, Store};
use bridge_core::{Reject, Seq, limits};

use super::MailboxActor;

impl MailboxActor {
    /// Asks the store what is due, and decides about it. One sweep at a time; who finds one under
    /// way need not ask for another: what is still due is told again.
    pub(super) fn sweep(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.kind.is_sweeping, true) {
            return;
        }
        let now = self.bridge.clock().now();
        let (stream, client) = (self.stream.clone(), self.client().clone());
        let reads = self.bridge.reads().clone();
        let reading = async move {
            let read = move |store: &dyn Store| {
                // The head first: what is read after it is at least as new.
                let as_of = store.head(&stream)?;
                let rows = store.due_deliveries(&client, now, limits::DUE_RECORDS_MAX)?;
                Ok((as_of, rows))
            };
            reads.run(read).await
        };
        let reading = wrap_future::<_, Self>(reading);
        ctx.spawn(reading.map(|read, actor, ctx| {
            actor.guarded("swept", ctx, |actor, ctx| actor.swept(read, ctx));
        }));
    }

    fn swept(&mut self, read: Result<(Seq, Vec<DueDelivery>), Reject>, ctx: &mut Context<Self>) {
        let (as_of, rows) = match read {
            Ok((as_of, rows)) if !rows.is_empty() => (as_of, rows),
            Ok(_) => {
                self.kind.is_sweeping = false;
                return;
            }
            Err(reject) => {
                tracing::warn!(stream = %self.stream, %reject, "what is due cannot be read now");
                self.kind.is_sweeping = false;
                return;
            }
        };
        let due = Due {
            as_of,
            rows,
            steps: self.bridge.clock().steps(),
            rules: self.rules(),
        };
        let answer = self.order(MailboxCommand::Due(due));
        let answer = wrap_future::<_, Self>(answer);
        ctx.spawn(answer.map(|answer, actor, _| {
            actor.kind.is_sweeping = false;
            if let Ok(Err(reject)) = answer {
                tracing::debug!(stream = %actor.stream, %reject, "what is due stays due");
            }
        }));
    }
}
