//! Posts in the form in which the log takes them, without a server around it.

use std::sync::Arc;

use bridge_core::event::{Envelope, Event, Posted, Stream};
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Ids as _, Log, Record};
use bridge_core::{ChannelName, ClientId, Seq, Timestamp};

use agent_bridge::system::SystemIds;

/// Posts in one transaction.
const BATCH_POSTS: u64 = 1_000;

/// A log that is filled, and how far it has come.
pub(crate) struct Filler<'a> {
    log: &'a mut dyn Log,
    /// The rooms, in turn, with their last positions.
    rooms: Vec<(Stream, Seq)>,
    by: ClientId,
    text: String,
    ids: SystemIds,
    next: usize,
}

impl<'a> Filler<'a> {
    /// Posts come from `by` and have texts of so many bytes.
    pub(crate) fn new(
        log: &'a mut dyn Log,
        rooms: Vec<(Stream, Seq)>,
        by: ClientId,
        text_bytes: usize,
    ) -> Self {
        Self {
            log,
            rooms,
            by,
            text: "x".repeat(text_bytes),
            ids: SystemIds::default(),
            next: 0,
        }
    }

    /// Writes so many posts, in transactions of a thousand, each with one fsync. `progress` is told
    /// how many there are.
    pub(crate) fn write(&mut self, posts: u64, progress: impl Fn(u64)) -> Result<(), String> {
        let mut written = 0;
        while written < posts {
            let some = BATCH_POSTS.min(posts - written);
            let batch: Result<Vec<Append>, String> = (0..some).map(|_| self.post()).collect();
            let batch = batch?;
            let appends: Vec<&Append> = batch.iter().collect();
            let answers = self.log.append(&appends).map_err(|why| why.to_string())?;
            if answers.iter().any(|answer| *answer != Answer::Stored) {
                return Err("a post was not stored".to_owned());
            }
            // As the server's log writer does between two batches.
            self.log.upkeep(false).map_err(|why| why.to_string())?;
            written += some;
            progress(written);
        }
        Ok(())
    }

    fn post(&mut self) -> Result<Append, String> {
        let count = self.rooms.len();
        let (stream, head) = &mut self.rooms[self.next];
        self.next = (self.next + 1) % count;
        *head = head.next();
        let posted = Posted {
            id: self.ids.message(),
            channel: ChannelName::main(),
            text: self.text.parse().map_err(|why| format!("a text: {why}"))?,
            reply_to: None,
            mentions: Vec::new(),
            metadata: None,
        };
        let envelope = Envelope {
            stream: stream.clone(),
            seq: *head,
            at: Timestamp::from_millis(1),
            by: self.by.clone(),
            key: None,
            event: Event::Posted(posted),
        };
        Ok(Append {
            incarnation: Incarnation::new(1),
            records: vec![Record::new(Arc::new(envelope))],
        })
    }
}
