//! Look-ups, each answered from the records alone.

use std::collections::BTreeSet;

use super::messages;
use super::store::MemoryStore;
use crate::command::Fingerprint;
use crate::event::{Envelope, Event, Stream};
use crate::id::{ClientId, DecisionId, IdempotencyKey, MessageId, RoomId, Seq, Timestamp};
use crate::limits;
use crate::ports::{
    CritiquesQuery, DeadLettersQuery, DecisionsQuery, Delivery, Directory, DueDelivery, FollowUp,
    Membership, OpenDecision, PostsQuery, QuestionsQuery, RoomRow, StoreError, ThreadPost,
    ThreadQuery, Window,
};
use crate::room::Room;

impl MemoryStore {
    fn room(&self, id: &RoomId) -> Room {
        let mut room = Room::vacant(id.clone());
        for envelope in self.all(&Stream::Room(id.clone())) {
            room.apply(&envelope);
        }
        room
    }

    pub(super) fn rooms_by_name(&self, after: Option<&RoomId>) -> Vec<Room> {
        let streams = self.streams();
        let ids = streams.iter().filter_map(|stream| match stream {
            Stream::Room(id) => Some(id),
            Stream::Mailbox(_) | Stream::Broadcast => None,
        });
        ids.filter(|id| after.is_none_or(|after| *id > after))
            .map(|id| self.room(id))
            .collect()
    }
}

impl Directory for MemoryStore {
    fn message(&self, id: MessageId) -> Result<Option<(Stream, Seq)>, StoreError> {
        Ok(self.kept().messages.get(&id).cloned())
    }

    fn key(
        &self,
        stream: &Stream,
        by: &ClientId,
        word: &IdempotencyKey,
    ) -> Result<Option<(Seq, Fingerprint)>, StoreError> {
        let kept = self.kept();
        let name = (stream.clone(), by.clone(), word.clone());
        let Some(seq) = kept.keys.get(&name) else {
            return Ok(None);
        };
        let key = kept.record(stream, *seq).key;
        Ok(key.map(|key| (*seq, key.fingerprint)))
    }

    fn memberships(
        &self,
        client: &ClientId,
        after: Option<&RoomId>,
        rows_max: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        let rooms = self
            .rooms_by_name(after)
            .into_iter()
            .filter(|room| room.is_member(client));
        let rows = rooms.map(|room| Membership {
            room: room.id().clone(),
            head: room.head(),
        });
        Ok(rows.take(rows_max).collect())
    }

    fn membership_count(&self, client: &ClientId) -> Result<u64, StoreError> {
        Ok(self.memberships(client, None, usize::MAX)?.len() as u64)
    }

    fn rooms(
        &self,
        viewer: &ClientId,
        after: Option<&RoomId>,
        rows_max: usize,
    ) -> Result<Vec<RoomRow>, StoreError> {
        let viewer = crate::Principal::new(viewer.clone(), crate::Scopes::default());
        let rooms = self.rooms_by_name(after).into_iter();
        let rows = rooms
            .filter(|room| room.is_visible_to(&viewer))
            .map(|room| RoomRow {
                room: room.id().clone(),
                topic: room.topic().clone(),
                visibility: room.policy().visibility,
                has_password: room.password().is_some(),
                created_at: room.created_at(),
                closed_at: room.closed_at(),
                members: room.members().len() as u64,
            });
        Ok(rows.take(rows_max).collect())
    }

    fn posts(&self, room: &RoomId, query: &PostsQuery) -> Result<Vec<Envelope>, StoreError> {
        let records = self.all(&Stream::Room(room.clone()));
        let mut posts: Vec<_> = records
            .into_iter()
            .filter(|record| match &record.event {
                Event::Posted(posted) => query
                    .channel
                    .as_ref()
                    .is_none_or(|c| c.folded() == posted.channel.folded()),
                _ => false,
            })
            .filter(|record| match query.window {
                Window::After(seq) => record.seq > seq,
                Window::Before(seq) => record.seq < seq,
                Window::Newest => true,
            })
            .collect();
        let surplus = posts.len().saturating_sub(query.records_max);
        match query.window {
            Window::After(_) => posts.truncate(query.records_max),
            Window::Before(_) | Window::Newest => drop(posts.drain(..surplus)),
        }
        Ok(posts)
    }

    fn thread(
        &self,
        room: &RoomId,
        id: MessageId,
        query: &ThreadQuery,
    ) -> Result<Option<Vec<ThreadPost>>, StoreError> {
        Ok(self.thread_of(room, id, query))
    }

    fn posts_total(&self) -> Result<u64, StoreError> {
        let kept = self.kept();
        let sent = kept
            .records()
            .filter(|record| matches!(record.event, Event::Posted(_) | Event::MessageStored(_)));
        Ok(sent.count() as u64)
    }

    fn clients_like(&self, name: &ClientId, rows_max: usize) -> Result<Vec<ClientId>, StoreError> {
        let kept = self.kept();
        let known = kept.records().filter_map(|record| match &record.event {
            Event::MailboxOpened(opened) => Some(opened.client.clone()),
            _ => None,
        });
        let len = name.as_str().len();
        let like = known.filter(|known| {
            known.as_str().len().abs_diff(len) <= limits::NEAR_NAMES_CHARS_APART_MAX
        });
        let by_name: BTreeSet<ClientId> = like.collect();
        Ok(by_name.into_iter().take(rows_max).collect())
    }

    fn delivery(&self, mailbox: &Stream, id: MessageId) -> Result<Option<Delivery>, StoreError> {
        let held = messages::of_mailbox(mailbox, &self.all(mailbox));
        let found = held.into_iter().find(|held| held.id == id);
        Ok(found.map(|held| held.delivery))
    }

    fn message_history(&self, id: MessageId) -> Result<Vec<Envelope>, StoreError> {
        let kept = self.kept();
        let about = kept.records().filter(|record| match &record.event {
            Event::MessageStored(message) => message.id == id,
            event => event.about().is_some_and(|about| about.id == id),
        });
        Ok(about.cloned().collect())
    }

    fn dead_letters(&self, query: &DeadLettersQuery) -> Result<Vec<Envelope>, StoreError> {
        Ok(messages::dead_letters(&self.kept(), query))
    }

    fn decision_history(&self, id: DecisionId) -> Result<Vec<Envelope>, StoreError> {
        Ok(self.kept().about_decision(id))
    }

    fn decisions(
        &self,
        room: &RoomId,
        query: &DecisionsQuery,
    ) -> Result<Vec<DecisionId>, StoreError> {
        Ok(self.decisions_of(room, query))
    }

    fn critiques(
        &self,
        room: &RoomId,
        query: &CritiquesQuery,
    ) -> Result<Vec<Envelope>, StoreError> {
        Ok(self.critiques_of(room, query))
    }

    fn open_decisions(
        &self,
        client: &ClientId,
        rows_max: usize,
    ) -> Result<Vec<OpenDecision>, StoreError> {
        let mut open = self.open_decisions_of(client);
        open.truncate(rows_max);
        Ok(open)
    }

    fn open_questions(
        &self,
        client: &ClientId,
        query: &QuestionsQuery,
    ) -> Result<Vec<Envelope>, StoreError> {
        Ok(self.open_questions_of(client, query))
    }

    fn due_rooms(
        &self,
        now: Timestamp,
        rows_max: usize,
    ) -> Result<Vec<(RoomId, Timestamp)>, StoreError> {
        let mut rooms: Vec<(RoomId, Timestamp)> = Vec::new();
        for (room, at) in self.due_in_rooms() {
            if at <= now && rooms.iter().all(|(known, _)| *known != room) {
                rooms.push((room, at));
            }
        }
        rooms.truncate(rows_max);
        Ok(rooms)
    }

    fn next_due(&self, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let in_rooms = self.due_in_rooms().into_iter().map(|(_, at)| at);
        let in_mailboxes = messages::due(&self.kept()).into_iter().map(|due| due.at);
        Ok(in_rooms.chain(in_mailboxes).filter(|at| *at > after).min())
    }

    fn due_mailboxes(
        &self,
        now: Timestamp,
        rows_max: usize,
    ) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
        let mut mailboxes: Vec<(ClientId, Timestamp)> = Vec::new();
        for due in messages::due(&self.kept()) {
            let is_new = mailboxes.iter().all(|(known, _)| *known != due.mailbox);
            if due.at <= now && is_new {
                mailboxes.push((due.mailbox, due.at));
            }
        }
        mailboxes.truncate(rows_max);
        Ok(mailboxes)
    }

    fn due_deliveries(
        &self,
        mailbox: &ClientId,
        now: Timestamp,
        rows_max: usize,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        let due = messages::due(&self.kept()).into_iter();
        let due = due.filter(|due| due.at <= now && due.mailbox == *mailbox);
        Ok(due.map(|due| due.what).take(rows_max).collect())
    }

    fn follow_ups(
        &self,
        after: Option<&FollowUp>,
        rows_max: usize,
    ) -> Result<Vec<FollowUp>, StoreError> {
        let kept = self.kept();
        let mut bytes = 0;
        let open = kept.numbered().flat_map(|(number, stream, records)| {
            let followed = &kept.followed;
            let open = records.iter().filter(move |record| {
                record.event.has_follow_up() && !followed.contains(&(stream.clone(), record.seq))
            });
            open.map(move |record| FollowUp {
                place: (number, record.seq),
                envelope: record.clone(),
            })
        });
        let page = open
            .filter(|open| after.is_none_or(|after| open.place > after.place))
            .take(rows_max)
            .take_while(|open| {
                let fits = bytes < limits::PAGE_BYTES_MAX;
                bytes += crate::stored::encode(&open.envelope.event).len();
                fits
            });
        Ok(page.collect())
    }
}
