//! Requests on their way to the owner and back: in their sender's order, and never twice.

use std::sync::Arc;

use actix::fut::{ActorFutureExt, wrap_future};
use actix::{AsyncContext, Context};
use bridge_core::owner::{PendingRefusal, Request};
use bridge_core::ports::Store;
use bridge_core::{Reject, Seq};

use super::{CommandOf, Kind, QuestionOf, StreamActor};
use crate::actors::ticket::{Receipt, Ticket};

impl<K: Kind> StreamActor<K> {
    /// Takes a request in. One whose sender waits for a look-up waits behind it, so that what a
    /// client says in order is decided in order.
    pub(super) fn take(
        &mut self,
        mut request: Request<CommandOf<K>, Ticket>,
        ctx: &mut Context<Self>,
    ) {
        if self.is_quarantined {
            return request.asker.refuse(K::quarantined(&self.stream));
        }
        if let Some(waiting) = self.look_ups.get_mut(request.by.client()) {
            return waiting.push_back(request);
        }
        K::before(self, &request.command, ctx);
        self.kind.prepare(&mut request.command);
        self.submit_now(request, ctx);
    }

    /// Hands a request to the owner before anything else that waits to be handled.
    pub(in crate::actors) fn submit_now(
        &mut self,
        request: Request<CommandOf<K>, Ticket>,
        ctx: &mut Context<Self>,
    ) {
        if self.is_quarantined {
            return request.asker.refuse(K::quarantined(&self.stream));
        }
        let hook = K::on_command(self.bridge.options());
        self.with_owner(ctx, |owner, now, effects| {
            if let Some(hook) = hook {
                hook(&request.command);
            }
            owner.submit(request, now, effects);
        });
    }

    pub(super) fn wait_behind_look_up(&mut self, request: Request<CommandOf<K>, Ticket>) {
        let waiting = self.look_ups.entry(request.by.client().clone());
        waiting.or_default().push_back(request);
    }

    /// Looks up what a request depends on, and hands it in again.
    pub(super) fn look_up(
        &mut self,
        question: QuestionOf<K>,
        request: Request<CommandOf<K>, Ticket>,
        ctx: &mut Context<Self>,
    ) {
        self.look_ups
            .entry(request.by.client().clone())
            .or_default();
        let (stream, reads) = (self.stream.clone(), self.bridge.reads().clone());
        let found = async move {
            let find = move |store: &dyn Store| {
                K::find(store, &stream, &question).map(|found| (question, found))
            };
            reads.run(find).await
        };
        ctx.spawn(wrap_future::<_, Self>(found).map(move |found, actor, ctx| {
            actor.guarded("looked_up", ctx, |actor, ctx| {
                actor.looked_up(request, found, ctx)
            });
        }));
    }

    fn looked_up(
        &mut self,
        mut request: Request<CommandOf<K>, Ticket>,
        found: Result<(QuestionOf<K>, K::Found), Reject>,
        ctx: &mut Context<Self>,
    ) {
        let waiting = self.look_ups.remove(request.by.client());
        let filled = found.and_then(|(question, found)| {
            K::fill(&self.stream, &mut request.command, question, found)
        });
        match filled {
            Ok(()) => self.take(request, ctx),
            Err(reject) => request.asker.refuse(reject),
        }
        for request in waiting.into_iter().flatten() {
            self.take(request, ctx);
        }
    }

    /// Answers a repeat with the original, read from the log.
    pub(super) fn repeat(&self, seq: Seq, ticket: Ticket, ctx: &mut Context<Self>) {
        let stream = self.stream.clone();
        let reads = self.bridge.reads().clone();
        let view = match K::view_for(self, &ticket) {
            Ok(view) => view,
            Err(reject) => return ticket.refuse(reject),
        };
        ctx.spawn(wrap_future(async move {
            let page = reads
                .run(move |store| store.page(&stream, seq.prev(), 1))
                .await;
            match page.map(|mut records| records.pop()) {
                Ok(Some(envelope)) => {
                    let receipt = Receipt {
                        envelopes: vec![Arc::new(envelope)],
                        duplicate: true,
                        view,
                    };
                    ticket.answer(receipt, K::answer);
                }
                Ok(None) => {
                    let detail = format!("record {seq} is gone");
                    ticket.refuse(Reject::Internal { detail });
                }
                Err(reject) => ticket.refuse(reject),
            }
        }));
    }

    /// Refuses a request, unless the log has its key: then it is a repeat.
    pub(super) fn check_key(
        &self,
        refusal: PendingRefusal,
        ticket: Ticket,
        ctx: &mut Context<Self>,
    ) {
        let stream = self.stream.clone();
        let reads = self.bridge.reads().clone();
        let found = async move {
            let (by, word) = (refusal.by.clone(), refusal.key.word.clone());
            let found = reads.run(move |store| store.key(&stream, &by, &word)).await;
            found.and_then(|found| refusal.settle(found))
        };
        ctx.spawn(
            wrap_future::<_, Self>(found).map(|found, actor, ctx| match found {
                Ok(Some(seq)) => actor.repeat(seq, ticket, ctx),
                Ok(None) => ticket.unchanged(K::answer),
                Err(reject) => ticket.refuse(reject),
            }),
        );
    }
}
