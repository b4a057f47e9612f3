//! Catching up: what a session missed, page by page, until it is live.

use std::time::Duration;

use bridge_core::event::{Event, Stream};
use bridge_core::id::Seq;
use bridge_core::ports::{Membership, Store};
use bridge_core::principal::Action;
use bridge_core::replay::{self, Claim};
use bridge_core::{Principal, Reject, RoomId, limits};
use futures_util::StreamExt;

use super::Mail;
use crate::actors::bridge::Bridge;
use crate::actors::handle::{
    Attached, Attachment, BroadcastHandle, MailboxHandle, RoomHandle, SessionHandle,
};
use crate::wire::encode::{self, WelcomeFacts};
use crate::wire::frame::{Hello, Ref, ResumeBody, ResumedBody};

/// Rooms that a session catches up in at once.
///
/// Each may push a whole tail when it becomes live. With the half that an outbox has when it has room,
/// they still fit: 1 MiB and three times 256 KiB are below 2 MiB.
const ROOMS_AT_ONCE: usize = 3;
/// Before another look at a room that is about to tell what is in its log already.
const IN_A_MOMENT: Duration = Duration::from_millis(10);
/// Rooms looked up at once.
const ROOMS_PER_PAGE: usize = 200;

/// Why a session cannot go on.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It does not take what it asked for.
    Slow,
    /// It has gone.
    Gone,
    /// Something failed.
    Failed(Reject),
}

/// What a session is told of after its hello.
pub(super) struct Entered {
    pub(super) rooms: Vec<(RoomId, RoomHandle)>,
    pub(super) mail: Option<Mail>,
}

/// Welcomes a client, brings it up to date in all its rooms, and then with its messages.
pub(super) async fn resume(
    bridge: Bridge,
    session: SessionHandle,
    principal: Principal,
    reference: Option<Ref>,
    hello: Hello,
) -> Result<Entered, Trouble> {
    let takes_mail = hello.messages && principal.allows(Action::Message).is_ok();
    let memberships = memberships(&bridge, &principal)
        .await
        .map_err(Trouble::Failed)?;
    let wanted = hello.resume.unwrap_or_default();
    let mut resumed = Vec::new();
    let mut starts = Vec::new();
    for Membership { room, head } in memberships {
        let claim = wanted.rooms.get(&room).map(|seq| Claim {
            epoch: wanted.epoch,
            seq: *seq,
        });
        let promise = replay::resume(claim, bridge.epoch(), head);
        let body = ResumedBody {
            from: promise.from,
            to: promise.to,
            complete: promise.complete,
            reason: None,
        };
        resumed.push((room.clone(), body));
        starts.push((room, promise.from));
    }
    resumed.extend(no_longer_mine(&wanted, &starts));
    let mailbox = match takes_mail {
        true => mailbox(&bridge, &session, &principal).await?,
        false => None,
    };
    let noted = mailbox.as_ref().map(|(_, read)| *read);
    let broadcast = broadcast(&bridge, &session, &principal, noted, &wanted).await?;
    let facts = WelcomeFacts {
        session: session.id(),
        client: session.client(),
        epoch: bridge.epoch(),
        heartbeat_seconds: bridge.options().heartbeat.as_secs(),
        resumed: &resumed,
        broadcast: broadcast.as_ref().map(|(_, body)| body),
    };
    session.reply(encode::welcome(reference.as_ref(), &facts));
    let mut rooms = Vec::new();
    let mut catching_up = futures_util::stream::iter(starts)
        .map(|(room, from)| catch_up(&bridge, &session, room, from))
        .buffer_unordered(ROOMS_AT_ONCE);
    while let Some(caught_up) = catching_up.next().await {
        rooms.extend(caught_up?);
    }
    drop(catching_up);
    let mail = match mailbox {
        Some((mailbox, _)) => mail(&bridge, &session, &principal, mailbox, broadcast).await?,
        None => None,
    };
    Ok(Entered { rooms, mail })
}

/// Tries something for as long as it is refused for now only. `None` when its owner is held back:
/// that does not keep a client from everything else.
async fn patiently<T, F>(
    session: &SessionHandle,
    mut attempt: impl FnMut() -> F,
) -> Result<Option<T>, Trouble>
where
    F: Future<Output = Result<T, Reject>>,
{
    loop {
        match attempt().await {
            Ok(found) => return Ok(Some(found)),
            Err(Reject::MailboxQuarantined(whose)) => {
                tracing::warn!(session = %session.id(), client = whose, "a session goes without messages");
                return Ok(None);
            }
            Err(_) if !session.outbox().is_open() => return Err(Trouble::Gone),
            Err(reject) if reject.is_temporary() => tokio::time::sleep(IN_A_MOMENT).await,
            Err(reject) => return Err(Trouble::Failed(reject)),
        }
    }
}

/// The client's mailbox, and how far the client has read the broadcast stream.
async fn mailbox(
    bridge: &Bridge,
    session: &SessionHandle,
    principal: &Principal,
) -> Result<Option<(MailboxHandle, Seq)>, Trouble> {
    let look = || async {
        let mailbox = bridge.mailbox(principal.client())?;
        let read = mailbox.broadcasts_read().await?;
        Ok((mailbox, read))
    };
    patiently(session, look).await
}

/// From where a session is told messages to `all`: after the client's cursor, else after what the
/// server has noted.
async fn broadcast(
    bridge: &Bridge,
    session: &SessionHandle,
    principal: &Principal,
    noted: Option<Seq>,
    wanted: &ResumeBody,
) -> Result<Option<(BroadcastHandle, ResumedBody)>, Trouble> {
    let Some(noted) = noted.filter(|_| principal.confined_to().is_none()) else {
        return Ok(None);
    };
    let look = || async { Ok((bridge.broadcast()?, bridge.broadcast_head().await?)) };
    let Some((stream, head)) = patiently(session, look).await? else {
        return Ok(None);
    };
    let claim = match wanted.broadcast {
        Some(seq) => Claim {
            epoch: wanted.epoch,
            seq,
        },
        None => Claim {
            epoch: None,
            seq: noted.min(head),
        },
    };
    let promise = replay::resume(Some(claim), bridge.epoch(), head);
    let body = ResumedBody {
        from: promise.from,
        to: promise.to,
        complete: promise.complete,
        reason: None,
    };
    Ok(Some((stream, body)))
}

/// Makes a session get its client's messages.
async fn mail(
    bridge: &Bridge,
    session: &SessionHandle,
    principal: &Principal,
    mailbox: MailboxHandle,
    broadcast: Option<(BroadcastHandle, ResumedBody)>,
) -> Result<Option<Mail>, Trouble> {
    has_room(session).await?;
    let Some(mailbox) = attach_mailbox(bridge, session, principal, mailbox).await? else {
        return Ok(None);
    };
    let stream = match broadcast {
        Some((stream, body)) => hear_all(bridge, session, stream, body.from).await?,
        None => None,
    };
    Ok(Some(Mail::new(mailbox, stream)))
}

/// Asks a mailbox, and when it dies of that its successor, until the session is told the client's
/// messages.
async fn attach_mailbox(
    bridge: &Bridge,
    session: &SessionHandle,
    principal: &Principal,
    mut mailbox: MailboxHandle,
) -> Result<Option<MailboxHandle>, Trouble> {
    loop {
        session.note_attaching(Attachment::Mailbox(mailbox.clone()));
        let attach = || async {
            if mailbox.is_dead() {
                return Ok(false);
            }
            let senders = bridge.correspondents(principal).await?;
            mailbox.attach(session.clone(), senders).await?;
            Ok(true)
        };
        match patiently(session, attach).await? {
            None => return Ok(None),
            Some(true) => return Ok(Some(mailbox)),
            Some(false) => {}
        }
        let wake = || async { bridge.mailbox(principal.client()) };
        let Some(successor) = patiently(session, wake).await? else {
            return Ok(None);
        };
        mailbox = successor;
    }
}

/// Brings a session up to date with the messages to `all`, and makes it live there. What has
/// expired is left out.
async fn hear_all(
    bridge: &Bridge,
    session: &SessionHandle,
    mut stream: BroadcastHandle,
    after: Seq,
) -> Result<Option<BroadcastHandle>, Trouble> {
    session.note_attaching(Attachment::Broadcast(stream.clone()));
    let mut at = after;
    loop {
        has_room(session).await?;
        let attach = || async {
            if stream.is_dead() {
                return Ok(None);
            }
            stream.attach(session.clone(), at).await.map(Some)
        };
        match patiently(session, attach).await? {
            None => return Ok(None),
            Some(Some(Attached::Live)) => return Ok(Some(stream)),
            Some(Some(Attached::Behind { head })) if head > at => {
                at = send_broadcasts(bridge, session, at, head).await?;
            }
            // The log is ahead of its owner, which is about to tell.
            Some(Some(Attached::Behind { .. })) => tokio::time::sleep(IN_A_MOMENT).await,
            Some(None) => {
                // It died of that, and its successor is asked.
                let Some(successor) = patiently(session, || async { bridge.broadcast() }).await?
                else {
                    return Ok(None);
                };
                stream = successor;
                session.note_attaching(Attachment::Broadcast(stream.clone()));
            }
        }
    }
}

async fn send_broadcasts(
    bridge: &Bridge,
    session: &SessionHandle,
    after: Seq,
    head: Seq,
) -> Result<Seq, Trouble> {
    let read =
        move |store: &dyn Store| store.page(&Stream::Broadcast, after, limits::PAGE_RECORDS_MAX);
    let page = bridge.reads().in_turn(read).await;
    let page = page.map_err(Trouble::Failed)?;
    let now = bridge.clock().now();
    let mut at = after;
    for record in &page {
        at = record.seq;
        let Event::MessageStored(stored) = &record.event else {
            continue;
        };
        let text = encode::message_text(record, None).filter(|_| now < stored.expires_at);
        if let Some(text) = text {
            has_room(session).await?;
            let frame = encode::text_frame(&text);
            session.outbox().push([frame]).map_err(|_| Trouble::Gone)?;
        }
    }
    if at == after {
        let detail = format!("the messages to all end at {after}, but their owner is at {head}");
        return Err(Trouble::Failed(Reject::Internal { detail }));
    }
    Ok(at)
}

/// Every room of a client that its token reaches.
async fn memberships(bridge: &Bridge, by: &Principal) -> Result<Vec<Membership>, Reject> {
    let mut all: Vec<Membership> = Vec::new();
    loop {
        let client = by.client().clone();
        let after = all.last().map(|membership| membership.room.clone());
        let page = bridge
            .reads()
            .in_turn(move |store| store.memberships(&client, after.as_ref(), ROOMS_PER_PAGE))
            .await?;
        let is_last = page.len() < ROOMS_PER_PAGE;
        all.extend(page);
        if is_last {
            break;
        }
    }
    all.retain(|membership| by.allows(Action::UseRoom(&membership.room)).is_ok());
    Ok(all)
}

/// A cursor of a room that one is not, or no longer, a member of is answered too: nobody is
/// silently behind.
fn no_longer_mine(wanted: &ResumeBody, mine: &[(RoomId, Seq)]) -> Vec<(RoomId, ResumedBody)> {
    let is_mine = |room: &RoomId| mine.iter().any(|(own, _)| own == room);
    wanted
        .rooms
        .iter()
        .filter(|(room, _)| !is_mine(room))
        .map(|(room, seq)| {
            (
                room.clone(),
                ResumedBody {
                    from: *seq,
                    to: *seq,
                    complete: false,
                    reason: Some("not_a_member".to_owned()),
                },
            )
        })
        .collect()
}

/// Brings a session up to date in one room and makes it live there. `None` when its client is no
/// member any more.
pub(super) async fn catch_up(
    bridge: &Bridge,
    session: &SessionHandle,
    room: RoomId,
    after: Seq,
) -> Result<Option<(RoomId, RoomHandle)>, Trouble> {
    let Some(mut handle) = enter(bridge, session, &room).await? else {
        return Ok(None);
    };
    let mut at = after;
    loop {
        has_room(session).await?;
        if handle.is_dead() {
            // It died of that, and its successor is asked.
            match enter(bridge, session, &room).await? {
                Some(successor) => handle = successor,
                None => return Ok(None),
            }
        }
        match handle.attach(session.clone(), at).await {
            Ok(Attached::Live) => return Ok(Some((room, handle))),
            Ok(Attached::Behind { head }) if head > at => {
                at = send_page(bridge, session, &room, at, head).await?;
            }
            // The log is ahead of its room, which is about to tell.
            Ok(Attached::Behind { .. }) => tokio::time::sleep(IN_A_MOMENT).await,
            Err(Reject::NotAMember(_) | Reject::RoomQuarantined(_)) => return Ok(None),
            Err(_) if !session.outbox().is_open() => return Err(Trouble::Gone),
            Err(reject) if reject.is_temporary() => tokio::time::sleep(IN_A_MOMENT).await,
            Err(reject) => return Err(Trouble::Failed(reject)),
        }
    }
}

/// The owner of a room, woken if need be. `None` when it is held back: its members have other rooms,
/// and messages, and come back to this one when somebody has let it go on.
async fn enter(
    bridge: &Bridge,
    session: &SessionHandle,
    room: &RoomId,
) -> Result<Option<RoomHandle>, Trouble> {
    loop {
        match bridge.room(room) {
            Ok(handle) => {
                session.note_attaching(Attachment::Room(handle.clone()));
                return Ok(Some(handle));
            }
            Err(Reject::RoomQuarantined(_)) => return Ok(None),
            Err(_) if !session.outbox().is_open() => return Err(Trouble::Gone),
            Err(reject) if reject.is_temporary() => tokio::time::sleep(IN_A_MOMENT).await,
            Err(reject) => return Err(Trouble::Failed(reject)),
        }
    }
}

/// Waits until a session has room for more, at the speed at which its client reads.
async fn has_room(session: &SessionHandle) -> Result<(), Trouble> {
    let room = tokio::time::timeout(limits::CATCH_UP_STALL, session.outbox().has_room());
    match room.await {
        Err(_) => Err(Trouble::Slow),
        Ok(Err(_)) => Err(Trouble::Gone),
        Ok(Ok(())) => Ok(()),
    }
}

/// Sends one page of a room's log, no further than to the head that its room knows: what is behind
/// that may not be the client's to read. Returns how far it got.
async fn send_page(
    bridge: &Bridge,
    session: &SessionHandle,
    room: &RoomId,
    after: Seq,
    head: Seq,
) -> Result<Seq, Trouble> {
    let stream = Stream::Room(room.clone());
    let read = move |store: &dyn Store| store.page(&stream, after, limits::PAGE_RECORDS_MAX);
    let page = bridge.reads().in_turn(read).await;
    let mut at = after;
    for record in page
        .map_err(Trouble::Failed)?
        .iter()
        .filter(|r| r.seq <= head)
    {
        has_room(session).await?;
        let frame = encode::event(record).frame();
        session.outbox().push([frame]).map_err(|_| Trouble::Gone)?;
        at = record.seq;
    }
    if at == after {
        let detail = format!("the log of {room} ends at {after}, but its room is at {head}");
        return Err(Trouble::Failed(Reject::Internal { detail }));
    }
    Ok(at)
}
