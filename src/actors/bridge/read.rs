//! Reading rooms from the log.

use std::time::Duration;

use bridge_core::event::{Envelope, Stream};
use bridge_core::ports::{PostsQuery, RoomRow, Store, Window};
use bridge_core::principal::Action;
use bridge_core::replay::{self, Claim, Resumed};
use bridge_core::{ChannelName, Epoch, Principal, Reject, RoomId, Seq, limits};

use super::Bridge;

/// Which events of a room somebody wants.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventsAsked {
    /// After this one; from the first when `None`.
    pub after: Option<Seq>,
    /// Of which life of the log `after` is.
    pub epoch: Option<Epoch>,
    /// How many at most.
    pub records_max: usize,
    /// How long to wait when there is none.
    pub wait: Duration,
}

/// A page of a room's events.
#[derive(Debug)]
pub struct EventsPage {
    /// In order.
    pub events: Vec<Envelope>,
    /// Go on after this one.
    pub next: Seq,
    /// What could be promised for the cursor.
    pub resumed: Resumed,
    /// Which life of the log it is.
    pub epoch: Epoch,
}

/// A page of a room's posts.
#[derive(Debug)]
pub struct PostsPage {
    /// In order.
    pub posts: Vec<Envelope>,
    /// Which life of the log it is.
    pub epoch: Epoch,
}

impl Bridge {
    /// How often the database was read since the start.
    #[must_use]
    pub fn reads_total(&self) -> u64 {
        self.reads().total()
    }

    /// The room's last record, for a member.
    pub(super) async fn head_for_member(
        &self,
        room: &RoomId,
        by: &Principal,
    ) -> Result<Seq, Reject> {
        by.allows(Action::UseRoom(room))?;
        let head = self.room(room)?.head_for_member(by.clone()).await;
        head.map_err(|reject| reject.as_asked(room))
    }

    /// Events of a room, in order; waits for one when there is none yet, unless the server stops.
    ///
    /// # Errors
    /// When the caller may not read the room.
    pub async fn events(
        &self,
        room: &RoomId,
        by: Principal,
        asked: EventsAsked,
    ) -> Result<EventsPage, Reject> {
        let head = self.head_for_member(room, &by).await?;
        let claim = Claim {
            epoch: asked.epoch,
            seq: asked.after.unwrap_or_default(),
        };
        let resumed = replay::resume(Some(claim), self.epoch(), head);
        let mut events = self.page(room, resumed.from, asked.records_max).await?;
        // What was written after the membership was looked at may not be the caller's to read.
        events.retain(|event| event.seq <= head);
        if events.is_empty() && !asked.wait.is_zero() {
            let handle = self.room(room)?;
            let wait = asked.wait.min(limits::LONG_POLL_MAX);
            let is_news = tokio::select! {
                // First, because a room of a stopping server may be gone and is not to be woken.
                biased;
                () = self.until_draining() => false,
                () = handle.wait_for_record_after(resumed.from) => true,
                () = tokio::time::sleep(wait) => false,
            };
            if is_news {
                // Somebody may have been shown the door in the meantime.
                let head = self.head_for_member(room, &by).await?;
                events = self.page(room, resumed.from, asked.records_max).await?;
                events.retain(|event| event.seq <= head);
            }
        }
        let next = events.last().map_or(resumed.from, |event| event.seq);
        Ok(EventsPage {
            events,
            next,
            resumed,
            epoch: self.epoch(),
        })
    }

    async fn page(
        &self,
        room: &RoomId,
        after: Seq,
        records_max: usize,
    ) -> Result<Vec<Envelope>, Reject> {
        let stream = Stream::Room(room.clone());
        self.reads()
            .run(move |store| store.page(&stream, after, records_max))
            .await
    }

    /// Posts of a room, in order.
    ///
    /// # Errors
    /// When the caller may not read the room.
    pub async fn posts(
        &self,
        room: &RoomId,
        by: Principal,
        channel: Option<ChannelName>,
        window: Window,
        records_max: usize,
    ) -> Result<PostsPage, Reject> {
        self.head_for_member(room, &by).await?;
        let query = PostsQuery {
            channel,
            window,
            records_max,
        };
        let room = room.clone();
        let posts = self
            .reads()
            .run(move |store| store.posts(&room, &query))
            .await?;
        Ok(PostsPage {
            posts,
            epoch: self.epoch(),
        })
    }

    /// The rooms that a client may know of, and after which to go on when there are more.
    ///
    /// # Errors
    /// When its token does not allow it.
    pub async fn list_rooms(
        &self,
        by: &Principal,
        after: Option<RoomId>,
        rows_max: usize,
    ) -> Result<(Vec<RoomRow>, Option<RoomId>), Reject> {
        by.allows(Action::ListRooms)?;
        let viewer = by.client().clone();
        let read = move |store: &dyn Store| store.rooms(&viewer, after.as_ref(), rows_max + 1);
        let mut found = self.reads().run(read).await?;
        let has_more = found.len() > rows_max;
        found.truncate(rows_max);
        let next = found
            .last()
            .filter(|_| has_more)
            .map(|row| row.room.clone());
        // A token may reach fewer rooms than its client.
        found.retain(|row| by.allows(Action::UseRoom(&row.room)).is_ok());
        Ok((found, next))
    }

    /// How many messages were ever posted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn posts_total(&self) -> Result<u64, Reject> {
        self.reads().run(|store| store.posts_total()).await
    }

    /// Reads something, to see whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn can_read(&self) -> Result<(), Reject> {
        self.posts_total().await.map(drop)
    }
}
