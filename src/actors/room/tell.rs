//! Telling everybody what has become durable.

use actix::Context;
use bridge_core::event::{Envelope, Event};
use bridge_core::owner::Draft;
use bridge_core::room::RoomView;
use bridge_core::{ClientId, Principal, SessionId};
use bytes::Bytes;

use super::RoomActor;
use crate::actors::handle::RoomHandle;
use crate::actors::readers::News;
use crate::actors::ticket::{Receipt, Ticket};
use crate::wire::encode::{self, EventText};
use crate::wire::frame::Ref;

impl RoomActor {
    /// A draft has become durable: encode it once, for everybody.
    pub(super) fn tell(
        &mut self,
        draft: &Draft,
        ticket: Ticket,
        telling: &mut Vec<News>,
        ctx: &mut Context<Self>,
    ) {
        self.subscribe_asker(&ticket, draft, telling, ctx);
        let view = ticket.viewer().map(|by| self.view_on_entry(by));
        let mut asked = Some((ticket, view));
        for envelope in &draft.envelopes {
            if let Some(hook) = self.bridge.options().faults.on_event {
                hook(&envelope.event);
            }
            let text = encode::event(envelope);
            let answer = match asked.take() {
                Some((ticket, view)) => self.accept(ticket, &text, || Receipt {
                    envelopes: draft.envelopes.clone(),
                    duplicate: false,
                    view,
                }),
                None => None,
            };
            telling.push(News {
                seq: envelope.seq,
                frame: text.frame(),
                answer,
                expires_at: None,
                followed: self.bridge.spans().of_record(envelope),
            });
            self.follow(envelope, telling, ctx);
        }
    }

    /// Answers the one who asked. A session of the room finds its answer among the events; one
    /// outside, an administrator's say, gets it right away.
    fn accept(
        &self,
        ticket: Ticket,
        text: &EventText,
        receipt: impl FnOnce() -> Receipt,
    ) -> Option<(SessionId, Bytes)> {
        let frame = |reference: Option<&Ref>| text.answer(reference, false);
        let (session, answer) = ticket.accept(frame, receipt)?;
        if self.kind.readers.subscribers.has(session.id()) {
            return Some((session.id(), answer));
        }
        session.reply(answer);
        None
    }

    /// What else an event means for the sessions in the room.
    fn follow(&mut self, envelope: &Envelope, telling: &mut Vec<News>, ctx: &mut Context<Self>) {
        if envelope.event.has_follow_up() {
            self.bridge.follower().nudge();
        }
        match &envelope.event {
            // The creator's spelling of the room's id is the room's.
            Event::RoomCreated(_) => self.stream = envelope.stream.clone(),
            Event::MemberJoined(joined) => {
                self.count_members();
                for session in self.bridge.sessions().of(&joined.client) {
                    session.entered(self.room_id().clone(), envelope.seq.prev());
                }
            }
            Event::MemberLeft(left) => {
                self.count_members();
                self.show_out(&left.client, telling, ctx);
            }
            Event::MemberRemoved(removed) => {
                self.count_members();
                self.show_out(&removed.client, telling, ctx);
            }
            Event::RoleGranted(_)
            | Event::ChannelCreated(_)
            | Event::Posted(_)
            | Event::PolicyChanged(_) => {}
            Event::RoomClosed(_) => self.show(),
            Event::Proposed(_) | Event::Amended(_) | Event::VetoWindowClosed(_) => {
                self.tell_what_is_due(&envelope.event);
            }
            event if event.is_about_decisions() => {}
            other => unreachable!("no room decides on {}", other.kind()),
        }
    }

    /// Time alone will change something about a motion, unless it has ended in this very round.
    fn tell_what_is_due(&self, event: &Event) {
        let motion = event.decision().and_then(|id| self.state().open_motion(id));
        if let Some(motion) = motion {
            self.bridge.timekeeper().due_at(motion.due_at());
        }
    }

    fn count_members(&mut self) {
        let members = self.state().members().len();
        self.bridge.metrics().room_members(members);
        self.show();
    }

    /// Who is no longer a member hears that, and nothing after it.
    fn show_out(&mut self, client: &ClientId, telling: &mut Vec<News>, ctx: &mut Context<Self>) {
        self.flush(telling, ctx);
        for session in self.kind.readers.subscribers.remove_client(client) {
            session.left(self.room_id().clone());
        }
        self.presence_changed(client.clone(), ctx);
    }

    /// A session that posts in a room is live there from its own event on.
    fn subscribe_asker(
        &mut self,
        ticket: &Ticket,
        draft: &Draft,
        telling: &mut Vec<News>,
        ctx: &mut Context<Self>,
    ) {
        let Some(session) = ticket.session_handle() else {
            return;
        };
        let is_news = !self.kind.readers.subscribers.has(session.id());
        if !is_news || !self.state().is_member(session.client()) {
            return;
        }
        let Some(own) = self.own() else {
            return;
        };
        let session = session.clone();
        self.flush(telling, ctx);
        self.kind
            .readers
            .subscribers
            .add(session.clone(), draft.first_seq().prev());
        self.presence_changed(session.client().clone(), ctx);
        session.attached(self.room_id().clone(), RoomHandle::from(own));
    }

    /// Records that were committed before the room failed, and that nobody was told.
    pub(super) fn tell_untold(&mut self, untold: Vec<Envelope>, ctx: &mut Context<Self>) {
        let mut telling = Vec::new();
        for envelope in untold {
            telling.push(News {
                seq: envelope.seq,
                frame: encode::event(&envelope).frame(),
                answer: None,
                expires_at: None,
                followed: self.bridge.spans().of_record(&envelope),
            });
            self.follow(&envelope, &mut telling, ctx);
        }
        self.tell_news(telling, ctx);
    }

    /// Tells what has gathered so far, because the readers are about to change.
    fn flush(&mut self, telling: &mut Vec<News>, ctx: &mut Context<Self>) {
        self.tell_news(std::mem::take(telling), ctx);
    }

    /// The room as somebody sees it who has just entered. Who has left again at once sees what
    /// strangers see.
    fn view_on_entry(&self, by: &Principal) -> RoomView {
        let is_online = |client: &ClientId| self.kind.is_online(client);
        self.state()
            .view(by, is_online)
            .unwrap_or_else(|_| RoomView {
                inside: None,
                ..self.state().view_from_inside(is_online)
            })
    }
}
