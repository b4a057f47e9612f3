//! Catching up: what a session missed, page by page, until it is live.

use std::time::Duration;

use bridge_core::id::Seq;
use bridge_core::ports::Membership;
use bridge_core::principal::Action;
use bridge_core::replay::{self, Claim};
use bridge_core::{Principal, Reject, RoomId, limits};
use futures_util::StreamExt;

use crate::actors::bridge::Bridge;
use crate::actors::handle::{Attached, RoomHandle, SessionHandle};
use crate::wire::encode::{self, WelcomeFacts};
use crate::wire::frame::{Hello, Ref, ResumeBody, ResumedBody};

/// Rooms that a session catches up in at once.
const ROOMS_AT_ONCE: usize = 8;
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

/// Welcomes a client and brings it up to date in all its rooms.
pub(super) async fn resume(
    bridge: Bridge,
    session: SessionHandle,
    principal: Principal,
    reference: Option<Ref>,
    hello: Hello,
) -> Result<Vec<(RoomId, RoomHandle)>, Trouble> {
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
    let facts = WelcomeFacts {
        session: session.id(),
        client: session.client(),
        epoch: bridge.epoch(),
        heartbeat_seconds: bridge.options().heartbeat.as_secs(),
        resumed: &resumed,
    };
    session.reply(encode::welcome(reference.as_ref(), &facts));
    let mut rooms = Vec::new();
    let mut catching_up = futures_util::stream::iter(starts)
        .map(|(room, from)| catch_up(&bridge, &session, room, from))
        .buffer_unordered(ROOMS_AT_ONCE);
    while let Some(caught_up) = catching_up.next().await {
        rooms.extend(caught_up?);
    }
    Ok(rooms)
}

/// Every room of a client that its token reaches.
async fn memberships(bridge: &Bridge, by: &Principal) -> Result<Vec<Membership>, Reject> {
    let mut all: Vec<Membership> = Vec::new();
    loop {
        let client = by.client().clone();
        let after = all.last().map(|membership| membership.room.clone());
        let page = bridge
            .reads()
            .run(move |store| store.memberships(&client, after.as_ref(), ROOMS_PER_PAGE))
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
    let handle = bridge.room(&room).map_err(Trouble::Failed)?;
    let mut at = after;
    loop {
        match handle.attach(session.clone(), at).await {
            Ok(Attached::Live) => return Ok(Some((room, handle))),
            Ok(Attached::Behind { head }) => {
                at = send_page(bridge, session, &room, at, head).await?
            }
            Err(Reject::NotAMember(_) | Reject::RoomQuarantined(_)) => return Ok(None),
            Err(reject) if reject.is_temporary() && session.outbox().is_open() => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(_) if !session.outbox().is_open() => return Err(Trouble::Gone),
            Err(reject) => return Err(Trouble::Failed(reject)),
        }
    }
}

/// Sends one page of a room's log, at the speed at which the client reads. Returns how far it got.
async fn send_page(
    bridge: &Bridge,
    session: &SessionHandle,
    room: &RoomId,
    after: Seq,
    head: Seq,
) -> Result<Seq, Trouble> {
    let page = bridge
        .page(room, after, limits::PAGE_RECORDS_MAX)
        .await
        .map_err(Trouble::Failed)?;
    let Some(last) = page.last().map(|record| record.seq) else {
        let detail = format!("the log of {room} ends at {after}, but its room is at {head}");
        return Err(Trouble::Failed(Reject::Internal { detail }));
    };
    for record in &page {
        let has_room = tokio::time::timeout(limits::CATCH_UP_STALL, session.outbox().has_room());
        match has_room.await {
            Err(_) => return Err(Trouble::Slow),
            Ok(Err(_)) => return Err(Trouble::Gone),
            Ok(Ok(())) => {}
        }
        let frame = encode::event(record).frame();
        session.outbox().push([frame]).map_err(|_| Trouble::Gone)?;
    }
    Ok(last)
}
