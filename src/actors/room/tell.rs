//! Telling everybody what has become durable.

use std::sync::Arc;

use actix::Context;
use bridge_core::event::{Envelope, Event};
use bridge_core::owner::Draft;
use bridge_core::room::RoomView;
use bridge_core::session::CloseReason;
use bridge_core::{ClientId, Principal, Reject, Seq, SessionId};
use bytes::Bytes;

use super::messages::Attach;
use super::{RoomActor, WeakRoomHandle};
use crate::actors::handle::Attached;
use crate::actors::ticket::{Receipt, Ticket};
use crate::wire::encode::{self, EventText};

/// Events on their way to every session, in order.
#[derive(Debug, Default)]
pub(super) struct Telling {
    news: Vec<News>,
}

/// One event: the frame for all, and another for the one who caused it.
#[derive(Debug)]
struct News {
    seq: Seq,
    frame: Bytes,
    answer: Option<(SessionId, Bytes)>,
}

impl News {
    fn frame_for(&self, session: SessionId) -> Bytes {
        match &self.answer {
            Some((asker, frame)) if *asker == session => frame.clone(),
            _ => self.frame.clone(),
        }
    }
}

impl RoomActor {
    /// A draft has become durable: encode it once, for everybody.
    pub(super) fn tell(
        &mut self,
        draft: Draft,
        ticket: Ticket,
        telling: &mut Telling,
        ctx: &mut Context<Self>,
    ) {
        self.subscribe_asker(&ticket, &draft, telling, ctx);
        let view = ticket.viewer().map(|by| self.view_on_entry(by));
        let mut ticket = Some(ticket);
        for envelope in &draft.envelopes {
            if let Some(hook) = self.bridge.options().faults.on_event {
                hook(&envelope.event);
            }
            let text = encode::event(envelope);
            let answer = match ticket.take() {
                Some(ticket) => self.accept(ticket, envelope, &text, view.clone()),
                None => None,
            };
            telling.news.push(News {
                seq: envelope.seq,
                frame: text.frame(),
                answer,
            });
            self.follow(envelope, telling, ctx);
        }
    }

    /// Answers the one who asked. A session of the room finds its answer among the events; one
    /// outside, an administrator's say, gets it right away.
    fn accept(
        &self,
        ticket: Ticket,
        envelope: &Arc<Envelope>,
        text: &EventText,
        view: Option<RoomView>,
    ) -> Option<(SessionId, Bytes)> {
        let session = ticket.session_handle().cloned();
        let envelope = Arc::clone(envelope);
        let answer = ticket.accept(text, || Receipt {
            envelope,
            duplicate: false,
            view,
        })?;
        let outside = session.filter(|session| !self.subscribers.has(session.id()));
        match outside {
            None => Some(answer),
            Some(session) => {
                session.reply(answer.1);
                None
            }
        }
    }

    /// What else an event means for the sessions in the room.
    fn follow(&mut self, envelope: &Envelope, telling: &mut Telling, ctx: &mut Context<Self>) {
        match &envelope.event {
            // The creator's spelling of the room's id is the room's.
            Event::RoomCreated(_) => self.stream = envelope.stream.clone(),
            Event::MemberJoined(joined) => {
                for session in self.bridge.sessions().of(&joined.client) {
                    session.entered(self.room_id().clone(), envelope.seq.prev());
                }
            }
            Event::MemberLeft(left) => self.show_out(&left.client, telling, ctx),
            Event::MemberRemoved(removed) => self.show_out(&removed.client, telling, ctx),
            Event::RoleGranted(_)
            | Event::ChannelCreated(_)
            | Event::Posted(_)
            | Event::RoomClosed(_) => {}
            other => unreachable!("no room decides on {}", other.kind()),
        }
    }

    /// Who is no longer a member hears that, and nothing after it.
    fn show_out(&mut self, client: &ClientId, telling: &mut Telling, ctx: &mut Context<Self>) {
        self.flush(telling, ctx);
        for session in self.subscribers.remove_client(client) {
            session.left(self.room_id().clone());
        }
        self.presence_changed(client.clone(), ctx);
    }

    /// A session that posts in a room is live there from its own event on.
    fn subscribe_asker(
        &mut self,
        ticket: &Ticket,
        draft: &Draft,
        telling: &mut Telling,
        ctx: &mut Context<Self>,
    ) {
        let Some(session) = ticket.session_handle() else {
            return;
        };
        let is_news = !self.subscribers.has(session.id());
        if !is_news || !self.room().is_member(session.client()) {
            return;
        }
        let Some(own) = self.own.as_ref().and_then(WeakRoomHandle::upgrade) else {
            return;
        };
        let session = session.clone();
        self.flush(telling, ctx);
        self.subscribers
            .add(session.clone(), draft.first_seq().prev());
        self.presence_changed(session.client().clone(), ctx);
        session.attached(self.room_id().clone(), own);
    }

    /// Records that were committed before the room failed, and that nobody was told.
    pub(super) fn tell_untold(&mut self, untold: Vec<Envelope>, ctx: &mut Context<Self>) {
        let mut telling = Telling::default();
        for envelope in untold {
            let frame = encode::event(&envelope).frame();
            telling.news.push(News {
                seq: envelope.seq,
                frame,
                answer: None,
            });
            self.follow(&envelope, &mut telling, ctx);
        }
        self.flush(&mut telling, ctx);
    }

    /// Puts what has gathered into every outbox, and into the tail for those who come later.
    pub(super) fn flush(&mut self, telling: &mut Telling, ctx: &mut Context<Self>) {
        let news = std::mem::take(&mut telling.news);
        if news.is_empty() {
            return;
        }
        let mut gone = Vec::new();
        for subscriber in self.subscribers.iter_mut() {
            let id = subscriber.session.id();
            let contiguous = news
                .iter()
                .all(|n| subscriber.cursor.advance(n.seq).is_ok());
            if !contiguous {
                tracing::error!(session = %id, "a session would have missed an event");
                subscriber.session.close(CloseReason::ServerError);
                gone.push(id);
                continue;
            }
            let frames = news.iter().map(|n| n.frame_for(id));
            if subscriber.session.outbox().push(frames).is_err() {
                // The session notices by itself, and closes or has closed.
                gone.push(id);
            }
        }
        for id in gone {
            if let Some(session) = self.subscribers.remove(id) {
                self.presence_changed(session.client().clone(), ctx);
            }
        }
        for n in news {
            let bytes = n.frame.len();
            self.tail.push(n.frame, bytes);
        }
        self.head.send_replace(self.tail.head());
    }

    /// Makes a session live, if the tail reaches back far enough.
    pub(super) fn attach(&mut self, attach: Attach, ctx: &mut Context<Self>) {
        let Attach {
            session,
            after,
            reply,
        } = attach;
        if !self.room().is_member(session.client()) {
            return reply.send(Err(Reject::NotAMember(self.room_id().clone())));
        }
        if self.subscribers.has(session.id()) {
            return reply.send(Ok(Attached::Live));
        }
        let head = self.tail.head();
        let Some(missed) = self.tail.after(after) else {
            return reply.send(Ok(Attached::Behind { head }));
        };
        let frames = missed.map(|(_, frame)| frame.clone());
        if session.outbox().push(frames).is_err() {
            return reply.send(Err(Reject::Retry {
                detail: "the session is going away",
            }));
        }
        let client = session.client().clone();
        self.subscribers.add(session, head);
        reply.send(Ok(Attached::Live));
        self.presence_changed(client, ctx);
    }

    /// The room as somebody sees it who has just entered. Who has left again at once sees what
    /// strangers see.
    fn view_on_entry(&self, by: &Principal) -> RoomView {
        let is_online = |client: &ClientId| self.subscribers.is_online(client);
        self.room()
            .view(by, is_online)
            .unwrap_or_else(|_| RoomView {
                inside: None,
                ..self.room().view_from_inside(is_online)
            })
    }
}
