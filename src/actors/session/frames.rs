//! What a session makes of each frame.

use actix::AsyncContext;
use actix::Context;
use actix::fut::{ActorFutureExt, wrap_future};
use bridge_core::command::{CreateChannel, Grant, Key, Post, Remove, RoomCommand};
use bridge_core::replay::{self, Claim};
use bridge_core::session::{CloseReason, Phase};
use bridge_core::{IdempotencyKey, Reject, RoomId, Seq};
use tokio::sync::OwnedSemaphorePermit;

use super::resume::{self, Trouble};
use super::{Mail, Paused, SessionActor};
use crate::actors::bridge::{NewRoom, view_of};
use crate::actors::handle::RoomHandle;
use crate::actors::ticket::{About, Receipt, Ticket};
use crate::wire::encode::{self, JoinedFacts};
use crate::wire::frame::{
    ClientFrame, CreateRoomBody, Hello, InRoom, Inbound as Asked, JoinBody, PostBody, Ref,
    RoomRequest,
};

/// A room that a session has entered and is live in.
type Entrance = Result<Option<(RoomId, RoomHandle)>, Trouble>;

impl SessionActor {
    pub(super) fn request(
        &mut self,
        asked: Asked,
        window: OwnedSemaphorePermit,
        ctx: &mut Context<Self>,
    ) {
        let Asked { reference, frame } = asked;
        let outcome = match frame {
            ClientFrame::Hello(hello) => self.hello(reference.clone(), hello, ctx),
            ClientFrame::Ping => self.ping(reference.as_ref()),
            ClientFrame::Send(key, body) => self.send(reference.clone(), key, *body, window, ctx),
            ClientFrame::Ack(key, ack) => {
                self.acknowledge(reference.clone(), key, ack, window, ctx)
            }
            ClientFrame::InRoom(asked) => self.in_room(reference.clone(), asked, window, ctx),
        };
        if let Err(reject) = outcome {
            self.refuse(reference.as_ref(), &reject);
        }
    }

    fn ping(&self, reference: Option<&Ref>) -> Result<(), Reject> {
        self.machine.request()?;
        let now = self.bridge.clock().now();
        self.handle.reply(encode::pong(reference, now));
        Ok(())
    }

    fn hello(
        &mut self,
        reference: Option<Ref>,
        hello: Hello,
        ctx: &mut Context<Self>,
    ) -> Result<(), Reject> {
        self.machine.hello()?;
        let paused = self.gate.pause();
        let (bridge, session) = (self.bridge.clone(), self.handle.clone());
        let resuming = resume::resume(bridge, session, self.principal.clone(), reference, hello);
        ctx.spawn(
            wrap_future::<_, Self>(resuming).map(move |outcome, actor, ctx| {
                match outcome {
                    Ok(entered) => {
                        actor.live_in(entered.rooms);
                        actor.take_mail(entered.mail);
                        actor.machine.resumed();
                        actor.act_on_held(ctx);
                    }
                    Err(trouble) => actor.troubled(trouble),
                }
                drop(paused);
            }),
        );
        Ok(())
    }

    fn live_in(&mut self, rooms: impl IntoIterator<Item = (RoomId, RoomHandle)>) {
        if self.entering.is_empty() {
            // What was noted is among the rooms now, or the client is no member there.
            drop(self.handle.take_attaching());
        }
        for (room, handle) in rooms {
            if self.machine.phase() == Phase::Closed {
                handle.detach(self.id());
            } else {
                self.rooms.insert(room, handle);
            }
        }
    }

    fn take_mail(&mut self, mail: Option<Mail>) {
        match mail {
            Some(mail) if self.machine.phase() == Phase::Closed => mail.end(&self.handle),
            mail => self.mail = mail,
        }
    }

    fn troubled(&mut self, trouble: Trouble) {
        let reason = match trouble {
            Trouble::Gone => return,
            Trouble::Slow => CloseReason::Slow,
            Trouble::Failed(reject) => {
                let detail = reject.detail().unwrap_or_default();
                tracing::error!(session = %self.id(), %reject, detail, "a session cannot go on");
                CloseReason::ServerError
            }
        };
        self.end(reason);
    }

    fn in_room(
        &mut self,
        reference: Option<Ref>,
        asked: InRoom,
        window: OwnedSemaphorePermit,
        ctx: &mut Context<Self>,
    ) -> Result<(), Reject> {
        self.machine.request()?;
        let InRoom { room, key, request } = asked;
        let request = match request {
            RoomRequest::Create(body) => {
                self.create(room, body, key, reference, ctx);
                return Ok(());
            }
            request => request,
        };
        let room = room.ok_or_else(|| Reject::field("room", "is missing"))?;
        let command = match request {
            RoomRequest::Join(body) => {
                self.join(room, body, key, reference, ctx);
                return Ok(());
            }
            RoomRequest::Post(body) => self.post(body),
            RoomRequest::Leave | RoomRequest::Create(_) => RoomCommand::Leave,
            RoomRequest::Grant(body) => RoomCommand::Grant(Grant {
                client: body.client,
                role: body.role,
            }),
            RoomRequest::Remove(body) => RoomCommand::Remove(Remove {
                client: body.client,
                reason: body.reason,
            }),
            RoomRequest::CreateChannel(body) => RoomCommand::CreateChannel(CreateChannel {
                name: body.name,
                topic: body.topic,
            }),
            RoomRequest::SetPolicy(body) => RoomCommand::SetPolicy(body.policy.into()),
            RoomRequest::Decide(request) => request.into_command(self.bridge.ids()),
        };
        self.submit(&room, command, key, reference, window)
    }

    fn post(&self, body: PostBody) -> RoomCommand {
        let PostBody {
            channel,
            text,
            reply_to,
            metadata,
        } = body;
        let id = self.bridge.new_message();
        RoomCommand::Post(Post {
            id,
            channel,
            text,
            reply_to,
            reply_seq: None,
            metadata,
        })
    }

    fn submit(
        &self,
        room: &RoomId,
        command: RoomCommand,
        key: Option<IdempotencyKey>,
        reference: Option<Ref>,
        window: OwnedSemaphorePermit,
    ) -> Result<(), Reject> {
        let handle = match self.rooms.get(room).filter(|handle| !handle.is_dead()) {
            Some(handle) => handle.clone(),
            None => self.bridge.room(room)?,
        };
        let key = key.map(|word| Key::new(word, &command));
        let about = About::Room(room.clone());
        let measuring = self.bridge.measure_command(room, &command, &self.principal);
        let ticket = Ticket::session(about, self.handle.clone(), reference, window);
        let ticket = ticket.measured(measuring);
        handle.submit(command, self.principal.clone(), key, ticket);
        Ok(())
    }

    fn create(
        &mut self,
        room: Option<RoomId>,
        body: CreateRoomBody,
        key: Option<IdempotencyKey>,
        reference: Option<Ref>,
        ctx: &mut Context<Self>,
    ) {
        let CreateRoomBody {
            topic,
            password,
            policy,
        } = body;
        let password = password.map(|password| password.reveal().to_owned());
        let new = NewRoom {
            room: room.clone(),
            topic,
            password,
            policy: policy.into(),
        };
        let (bridge, session) = (self.bridge.clone(), self.handle.clone());
        let by = self.principal.clone();
        let entering = async move {
            let receipt = match bridge.create_room(new, by, key).await {
                Ok(receipt) => receipt,
                Err(reject) => {
                    session.refuse(reference.as_ref(), &reject);
                    return Ok(None);
                }
            };
            let created = receipt.record().map_err(Trouble::Failed)?;
            let text = encode::event(created);
            session.reply(text.answer(reference.as_ref(), receipt.duplicate));
            let seq = created.seq;
            match view_of(&receipt) {
                // The room's own spelling, and one of its own when the server named it.
                Ok(view) => resume::catch_up(&bridge, &session, view.room.clone(), seq).await,
                Err(reject) => Err(Trouble::Failed(reject)),
            }
        };
        self.enter(room, entering, ctx);
    }

    fn join(
        &mut self,
        room: RoomId,
        body: JoinBody,
        key: Option<IdempotencyKey>,
        reference: Option<Ref>,
        ctx: &mut Context<Self>,
    ) {
        let JoinBody {
            role,
            password,
            since,
        } = body;
        let password = password.map(|password| password.reveal().to_owned());
        let (bridge, session) = (self.bridge.clone(), self.handle.clone());
        let by = self.principal.clone();
        let asked = room.clone();
        let entering = async move {
            let receipt = match bridge.join_room(&asked, role, password, by, key).await {
                Ok(receipt) => receipt,
                Err(reject) => {
                    session.refuse(reference.as_ref(), &reject);
                    return Ok(None);
                }
            };
            if since.is_some() {
                // A repeat may find the session live in the room already; it asks for the past.
                match bridge.room(&asked) {
                    Ok(room) => room.detach(session.id()),
                    Err(reject) => return Err(Trouble::Failed(reject)),
                }
            }
            let after = match joined(&bridge, &session, reference.as_ref(), &receipt, since) {
                Ok(after) => after,
                Err(reject) => return Err(Trouble::Failed(reject)),
            };
            resume::catch_up(&bridge, &session, asked, after).await
        };
        self.enter(Some(room), entering, ctx);
    }

    /// Enters a room. Nothing else is read from the client meanwhile, so that what it posts next
    /// finds it live there.
    fn enter(
        &mut self,
        room: Option<RoomId>,
        entering: impl Future<Output = Entrance> + 'static,
        ctx: &mut Context<Self>,
    ) {
        let paused = self.gate.pause();
        self.entering.extend(room.clone());
        ctx.spawn(
            wrap_future::<_, Self>(entering).map(move |outcome, actor, ctx| {
                if let Some(room) = room {
                    actor.entering.remove(&room);
                }
                actor.entered(outcome, paused, ctx);
            }),
        );
    }

    /// Follows a room that the client entered by another way.
    pub(super) fn follow(&mut self, room: RoomId, after: Seq, ctx: &mut Context<Self>) {
        let (bridge, session) = (self.bridge.clone(), self.handle.clone());
        let entered = room.clone();
        let entering = async move { resume::catch_up(&bridge, &session, entered, after).await };
        self.enter(Some(room), entering, ctx);
    }

    fn entered(&mut self, outcome: Entrance, paused: Paused, ctx: &mut Context<Self>) {
        match outcome {
            Ok(room) => {
                self.live_in(room);
                self.act_on_held(ctx);
            }
            Err(trouble) => self.troubled(trouble),
        }
        drop(paused);
    }
}

/// Says `joined`, and after which record the session is to be told the room's events.
fn joined(
    bridge: &crate::actors::Bridge,
    session: &crate::actors::handle::SessionHandle,
    reference: Option<&Ref>,
    receipt: &Receipt,
    since: Option<Seq>,
) -> Result<Seq, Reject> {
    let view = view_of(receipt)?;
    let record = receipt.record()?;
    let claim = since.map(|seq| Claim { epoch: None, seq });
    let promise = replay::resume(claim, bridge.epoch(), view.head);
    let facts = JoinedFacts {
        epoch: bridge.epoch(),
        complete: promise.complete,
        seq: record.seq,
        at: record.at,
        duplicate: receipt.duplicate,
    };
    session.reply(encode::joined(reference, view, &facts));
    Ok(promise.from)
}
