//! Reading threads.

use bridge_core::ports::{Store, ThreadPost, ThreadQuery};
use bridge_core::{MessageId, Principal, Reject, RoomId, Seq};

use super::Bridge;

impl Bridge {
    /// The thread that a message of a room belongs to, and after which position to go on when there is
    /// more of it.
    ///
    /// # Errors
    /// When the caller may not read the room, or it has no such message.
    pub async fn thread(
        &self,
        room: &RoomId,
        by: &Principal,
        id: MessageId,
        query: ThreadQuery,
    ) -> Result<(Vec<ThreadPost>, Option<Seq>), Reject> {
        self.head_for_member(room, by).await?;
        let room = room.clone();
        let read = move |store: &dyn Store| {
            let Some(page) = store.thread(&room, id, &query)? else {
                return Ok(None);
            };
            let last = page.last().map(|last| last.post.seq);
            let behind = ThreadQuery {
                after: last.unwrap_or(query.after),
                records_max: 1,
            };
            let has_more = last.is_some()
                && store
                    .thread(&room, id, &behind)?
                    .is_some_and(|more| !more.is_empty());
            Ok(Some((page, last.filter(|_| has_more))))
        };
        let found = self.reads().run(read).await?;
        found.ok_or(Reject::MessageNotFound(id))
    }
}
