//! What waits for somebody, found in the records.

use super::messages;
use super::store::MemoryStore;
use crate::event::{Envelope, Event, Stream};
use crate::id::{ClientId, Seq, Timestamp};
use crate::limits;
use crate::message::Stage;
use crate::ports::{OpenDecision, QuestionsQuery};

impl MemoryStore {
    pub(super) fn open_decisions_of(&self, client: &ClientId) -> Vec<OpenDecision> {
        let mut open: Vec<OpenDecision> = Vec::new();
        for room in self.rooms_by_name(None) {
            if !room.is_member(client) {
                continue;
            }
            open.extend(room.open_motions().map(|motion| OpenDecision {
                room: room.id().clone(),
                decision: motion.id,
                deadline: motion.deadline,
            }));
        }
        open.sort_by_key(|open| (open.deadline, open.decision));
        open
    }

    pub(super) fn open_questions_of(
        &self,
        client: &ClientId,
        query: &QuestionsQuery,
    ) -> Vec<Envelope> {
        let mailbox = Stream::Mailbox(client.clone());
        let held = messages::of_mailbox(&mailbox, &self.all(&mailbox)).into_iter();
        let is_open = |stage| matches!(stage, Stage::Stored | Stage::Delivered | Stage::Seen);
        let open = held.filter(|held| is_open(held.delivery.stage));
        let mut questions: Vec<(Timestamp, Seq, Envelope)> = open
            .filter_map(|held| {
                let stored = held.delivery.stored;
                let Event::MessageStored(message) = &stored.event else {
                    return None;
                };
                let ends_at = message.expects_reply.then(|| message.ends_at())?;
                Some((ends_at, stored.seq, stored))
            })
            .filter(|(at, seq, _)| query.after.is_none_or(|after| (*at, *seq) > after))
            .collect();
        questions.sort_by_key(|(at, seq, _)| (*at, *seq));
        let mut bytes = 0;
        let page = questions.into_iter().take(query.rows_max);
        page.map(|(_, _, record)| record)
            .take_while(|record| {
                let fits = bytes < limits::PAGE_BYTES_MAX;
                bytes += crate::stored::encode(&record.event).len();
                fits
            })
            .collect()
    }
}
