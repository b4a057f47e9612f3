//! Waiting for the verdict of a decision.

use std::time::Duration;

use bridge_core::{DecisionId, Epoch, RoomId, Seq, limits};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::{Decision, RestClient};
use crate::client::back_off::BackOff;
use crate::client::decision::DecisionFacts;
use crate::client::error::ClientError;
use crate::client::keys;
use crate::wire::frame::RoomEvent;

/// The longest pause before a server that cannot be asked is asked again.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The first one, and the shortest time between two polls that brought nothing.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// What is known of a decision at the end of the waiting.
#[derive(Debug)]
pub struct Awaited {
    /// The decision, as it was when it was last seen.
    pub decision: Decision,
    /// Why it could not be seen at the end.
    pub lost: Option<ClientError>,
}

/// A place in a room's log.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    epoch: Option<Epoch>,
    seq: Seq,
}

#[derive(Debug, Deserialize)]
struct RoomHead {
    head: Seq,
    #[serde(default)]
    epoch: Option<Epoch>,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<RoomEvent>,
    next: Option<Seq>,
    #[serde(default)]
    complete: Option<bool>,
}

/// Somebody who waits for a verdict.
struct Watch<'a> {
    rest: &'a RestClient,
    id: DecisionId,
    known: Option<Decision>,
    /// Everything up to there is part of what is known.
    cursor: Option<Cursor>,
}

/// What came of a look.
enum Look {
    /// What is known is up to date.
    Seen,
    /// It was cut short.
    TimeOver,
}

impl RestClient {
    /// Waits until a decision is open no more, but only so long: woken by the log of its room, not by
    /// looking again and again; `tell` hears of every look. A server that cannot be asked for a while
    /// is asked again.
    ///
    /// # Errors
    /// See [`ClientError`]; what may pass, only when it has not by then and the decision was never
    /// seen.
    pub async fn until_decided(
        &self,
        id: DecisionId,
        until: Instant,
        mut tell: impl FnMut(&DecisionFacts),
    ) -> Result<Awaited, ClientError> {
        let mut watch = Watch {
            rest: self,
            id,
            known: None,
            cursor: None,
        };
        let mut back_off = BackOff::new(PAUSE_FIRST, PAUSE_MAX);
        let mut lost = None;
        loop {
            match watch.look_until(until).await {
                Ok(Look::Seen) => {
                    back_off.reset();
                    lost = None;
                }
                Ok(Look::TimeOver) => {}
                Err(why) if why.may_pass() => lost = Some(why),
                Err(why) => return Err(why),
            }
            let left = until.saturating_duration_since(Instant::now());
            if let Some(known) = &watch.known {
                tell(&known.facts);
            }
            let is_enough = |known: &mut Decision| left.is_zero() || !known.facts.is_open();
            if let Some(decision) = watch.known.take_if(is_enough) {
                return Ok(Awaited { decision, lost });
            }
            match lost.take() {
                Some(why) if left.is_zero() => return Err(why),
                Some(why) => {
                    let pause = back_off.wait(why.retry_after_ms(), keys::jitter());
                    lost = Some(why);
                    tokio::time::sleep(pause.min(left)).await;
                }
                None => {}
            }
        }
    }
}

impl Watch<'_> {
    /// One look. The first one takes the time that it needs; the later ones only what is left.
    async fn look_until(&mut self, until: Instant) -> Result<Look, ClientError> {
        let Some(known) = &self.known else {
            self.known = Some(self.rest.decision(self.id).await?);
            return Ok(Look::Seen);
        };
        let room = known.facts.room.clone();
        match timeout_at(until, self.look_again(&room, until)).await {
            Ok(looked) => looked.map(|()| Look::Seen),
            Err(_) => Ok(Look::TimeOver),
        }
    }

    async fn look_again(&mut self, room: &RoomId, until: Instant) -> Result<(), ClientError> {
        let Some(cursor) = self.cursor else {
            // In this order nothing can fall between the two.
            let head = self.head(room).await?;
            self.known = Some(self.rest.decision(self.id).await?);
            self.cursor = Some(head);
            return Ok(());
        };
        let asked = Instant::now();
        let wait = until
            .saturating_duration_since(asked)
            .min(limits::LONG_POLL_MAX);
        let page = self.events(room, cursor, wait).await?;
        if page.complete == Some(false) {
            // Another life of the log, or a hole in it: what is known is not up to date.
            self.cursor = None;
            return Ok(());
        }
        if page.items.iter().any(|event| is_about(event, self.id)) {
            self.known = Some(self.rest.decision(self.id).await?);
        } else if page.items.is_empty() && asked.elapsed() < wait {
            // Whatever stands in between may not hold an answer back.
            tokio::time::sleep(PAUSE_FIRST).await;
        }
        // Only now: if the decision could not be read, the same events bring it up again.
        let seq = page.next.unwrap_or(cursor.seq);
        self.cursor = Some(Cursor { seq, ..cursor });
        Ok(())
    }

    async fn head(&self, room: &RoomId) -> Result<Cursor, ClientError> {
        let answer = self.rest.get(&["v1", "rooms", room.as_str()], &[]).await?;
        let RoomHead { head, epoch } =
            RoomHead::deserialize(&answer).map_err(|why| ClientError::Protocol(why.to_string()))?;
        Ok(Cursor { epoch, seq: head })
    }

    async fn events(
        &self,
        room: &RoomId,
        cursor: Cursor,
        wait: Duration,
    ) -> Result<Page, ClientError> {
        let seconds = wait.as_millis().div_ceil(1_000);
        let mut query = vec![
            ("after", cursor.seq.to_string()),
            ("wait", seconds.to_string()),
        ];
        if let Some(epoch) = cursor.epoch {
            query.push(("epoch", epoch.to_string()));
        }
        let path = ["v1", "rooms", room.as_str(), "events"];
        let answer = self.rest.get_later(&path, &query, wait).await?;
        Page::deserialize(&answer).map_err(|why| ClientError::Protocol(why.to_string()))
    }
}

/// Whether an event changes what one would be shown of a decision.
fn is_about(event: &RoomEvent, id: DecisionId) -> bool {
    let is_it = |field| {
        let named = event.text(field);
        named.is_some_and(|named| named.parse() == Ok(id))
    };
    // Who leaves abstains.
    let is_membership = matches!(event.kind.as_str(), "member_left" | "member_joined");
    is_membership || is_it("decision") || is_it("target")
}

#[cfg(test)]
mod tests;
