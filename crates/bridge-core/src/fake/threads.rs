//! Threads, found in the records.

use std::collections::HashMap;

use super::store::MemoryStore;
use crate::event::{Envelope, Event, Posted, Stream};
use crate::id::{MessageId, RoomId};
use crate::limits;
use crate::ports::{ThreadPost, ThreadQuery};

impl MemoryStore {
    pub(super) fn thread_of(
        &self,
        room: &RoomId,
        id: MessageId,
        query: &ThreadQuery,
    ) -> Option<Vec<ThreadPost>> {
        let records = self.all(&Stream::Room(room.clone()));
        let posts: Vec<(&Envelope, &Posted)> = records
            .iter()
            .filter_map(|record| match &record.event {
                Event::Posted(posted) => Some((record, posted)),
                _ => None,
            })
            .collect();
        let first = first_of(&posts, id)?;
        let mut depths = HashMap::from([(first, 0)]);
        let mut thread = Vec::new();
        // An answer comes behind what it answers, so once through is enough.
        for (record, posted) in posts {
            if let Some(above) = posted.reply_to.and_then(|above| depths.get(&above)) {
                depths.insert(posted.id, above + 1);
            }
            let depth = depths.get(&posted.id).copied();
            let within = depth.filter(|depth| *depth as usize <= limits::THREAD_DEPTH_MAX);
            thread.extend(within.map(|depth| ThreadPost {
                depth,
                post: record.clone(),
            }));
        }
        thread.truncate(limits::THREAD_POSTS_MAX);
        let mut bytes = 0;
        let behind = thread.into_iter().filter(|one| one.post.seq > query.after);
        let page = behind.take(query.records_max).take_while(|one| {
            let fits = bytes < limits::PAGE_BYTES_MAX;
            bytes += crate::stored::encode(&one.post.event).len();
            fits
        });
        Some(page.collect())
    }
}

/// The first message of the thread of a post, if it is there.
fn first_of(posts: &[(&Envelope, &Posted)], id: MessageId) -> Option<MessageId> {
    let find = |id| {
        posts
            .iter()
            .map(|(_, posted)| *posted)
            .find(|posted| posted.id == id)
    };
    let mut at = find(id)?;
    for _ in 0..limits::THREAD_DEPTH_MAX {
        let Some(above) = at.reply_to.and_then(find) else {
            break;
        };
        at = above;
    }
    Some(at.id)
}
