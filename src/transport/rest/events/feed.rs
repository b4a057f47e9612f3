//! A room's log as a response that goes on until something ends it.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bridge_core::replay::{Cursor, OutOfOrder};
use bridge_core::session::CloseReason;
use bridge_core::{Epoch, Reject, RejectCode, RoomId, limits};
use bytes::Bytes;
use futures_util::{FutureExt, Stream, stream};
use tokio::sync::oneshot;

use crate::actors::bridge::{EventsAsked, EventsPage};
use crate::actors::{Bridge, HangUp};
use crate::transport::auth::Caller;
use crate::transport::streams::Place;
use crate::wire::sse;

/// What a stream of events knows between two pages. It reads the next page when the socket has
/// taken the last one, so that a slow reader costs one page and no more.
pub(super) struct Feed {
    bridge: Bridge,
    room: RoomId,
    caller: Caller,
    epoch: Epoch,
    cursor: Cursor,
    first: Option<EventsPage>,
    is_over: bool,
    chunks: Arc<AtomicU64>,
    /// One of the streams that there may be, until the connection has let go of this one.
    _place: Place,
    _gone: oneshot::Sender<Infallible>,
}

/// Why a stream ends.
#[derive(Debug)]
enum Ending {
    /// As a session would.
    Closed(CloseReason),
    /// The reader may not read on, or not now.
    Refused(Reject),
}

impl From<Reject> for Ending {
    fn from(reject: Reject) -> Self {
        if reject.code() == RejectCode::Internal {
            let detail = reject.detail().unwrap_or_default();
            tracing::error!(detail, "a stream of events failed");
            return Self::Closed(CloseReason::ServerError);
        }
        Self::Refused(reject)
    }
}

impl From<OutOfOrder> for Ending {
    fn from(why: OutOfOrder) -> Self {
        let detail = why.to_string();
        Self::from(Reject::Internal { detail })
    }
}

impl Feed {
    /// A stream that begins with a page that was read already. One whose client does not read is
    /// ended by `hang_up`. It must be called on a thread that serves connections.
    pub(super) fn begin(
        bridge: Bridge,
        room: RoomId,
        caller: Caller,
        first: EventsPage,
        place: Place,
        hang_up: HangUp,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> {
        let chunks = Arc::<AtomicU64>::default();
        let (gone, is_gone) = oneshot::channel();
        let watch = watch(bridge.clone(), Arc::clone(&chunks), is_gone, hang_up);
        actix_web::rt::spawn(watch);
        let feed = Self {
            bridge,
            room,
            caller,
            epoch: first.epoch,
            cursor: Cursor::at(first.resumed.from),
            first: Some(first),
            is_over: false,
            chunks,
            _place: place,
            _gone: gone,
        };
        stream::unfold(feed, Self::next)
    }

    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if self.is_over {
            return None;
        }
        self.chunks.fetch_add(1, Ordering::Relaxed);
        let read = AssertUnwindSafe(self.read()).catch_unwind().await;
        let chunk = match read.unwrap_or(Err(Ending::Closed(CloseReason::ServerError))) {
            Ok(chunk) => chunk,
            Err(ending) => {
                let client = self.caller.principal.client();
                tracing::debug!(room = %self.room, %client, ?ending, "a stream of events ends");
                self.is_over = true;
                match ending {
                    Ending::Closed(reason) => {
                        let is_draining = reason == CloseReason::Draining;
                        let come_back = is_draining.then(|| self.bridge.come_back_after());
                        sse::closed(reason, come_back)
                    }
                    Ending::Refused(reject) => sse::refused(&reject),
                }
            }
        };
        Some((Ok(chunk.into()), self))
    }

    /// The next page, or a heartbeat when nothing happens for a while.
    async fn read(&mut self) -> Result<Vec<u8>, Ending> {
        if let Some(first) = self.first.take() {
            let mut text = sse::resumed(&self.room, self.epoch, &first.resumed);
            self.tell(&first, &mut text)?;
            return Ok(text);
        }
        if self.bridge.is_draining() {
            return Err(Ending::Closed(CloseReason::Draining));
        }
        let now = self.bridge.clock().wall();
        let left = self.caller.expires_at.millis_since(now);
        if left <= 0 {
            return Err(Ending::Closed(CloseReason::Expired));
        }
        let left = Duration::from_millis(left.unsigned_abs());
        let asked = EventsAsked {
            after: Some(self.cursor.seq()),
            epoch: Some(self.epoch),
            records_max: limits::PAGE_RECORDS_MAX,
            wait: self.bridge.options().heartbeat.min(left),
        };
        let by = self.caller.principal.clone();
        let page = self.bridge.events(&self.room, by, asked).await?;
        if page.events.is_empty() {
            return Ok(sse::HEARTBEAT.to_vec());
        }
        let mut text = Vec::new();
        self.tell(&page, &mut text)?;
        Ok(text)
    }

    fn tell(&mut self, page: &EventsPage, text: &mut Vec<u8>) -> Result<(), OutOfOrder> {
        for envelope in &page.events {
            self.cursor.advance(envelope.seq)?;
            sse::push_event(text, self.epoch, envelope);
        }
        Ok(())
    }
}

/// Last words do not reach a client that does not read, and its stream is not asked for any. So
/// its connection is shut down: when it has taken nothing for too long, and a while after the
/// server began to stop.
async fn watch(
    bridge: Bridge,
    chunks: Arc<AtomicU64>,
    is_gone: oneshot::Receiver<Infallible>,
    hang_up: HangUp,
) {
    // A stream says something at least once a heartbeat.
    let heartbeat = bridge.options().heartbeat.min(limits::LONG_POLL_MAX);
    let stalled = async {
        let mut before = None;
        loop {
            let now = chunks.load(Ordering::Relaxed);
            if before.replace(now) == Some(now) {
                return;
            }
            tokio::time::sleep(heartbeat + limits::CATCH_UP_STALL).await;
        }
    };
    let stopping = async {
        bridge.until_draining().await;
        tokio::time::sleep(limits::DRAIN_GOODBYE_WITHIN).await;
    };
    let why = tokio::select! {
        // The sender is dropped with the stream.
        _ = is_gone => return,
        () = stalled => "it does not read",
        () = stopping => "the server stops",
    };
    tracing::debug!(reason = why, "a stream of events is cut off");
    hang_up();
}
