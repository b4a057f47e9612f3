//! Rows, and how they become the domain's types. They do not leave this folder.

use bridge_core::command::{Fingerprint, Key};
use bridge_core::event::{About, Envelope, Stream};
use bridge_core::message::{Failure, Stage};
use bridge_core::policy::Visibility;
use bridge_core::ports::{Delivery, DueDelivery, Record, RoomRow as Room, StoreError};
use bridge_core::stored::{self, Sealed};
use bridge_core::{ClientId, IdempotencyKey, MessageId, RoomId, Seq, Timestamp};
use diesel::prelude::*;

use super::schema::{deliveries, log, rooms};

/// The number of a stream in the database.
pub(super) type StreamNumber = i64;

/// A record, as it is written.
#[derive(Insertable)]
#[diesel(table_name = log)]
pub(super) struct NewLogRow<'a> {
    pub(super) stream_id: StreamNumber,
    pub(super) seq: i64,
    pub(super) at_ms: i64,
    pub(super) author: &'a str,
    pub(super) dedupe: Option<String>,
    pub(super) fingerprint: Option<&'a [u8]>,
    pub(super) kind: &'static str,
    pub(super) body: &'a [u8],
    pub(super) checksum: i64,
}

impl<'a> NewLogRow<'a> {
    pub(super) fn new(stream_id: StreamNumber, record: &'a Record) -> Self {
        let envelope = &*record.envelope;
        let kind = envelope.event.kind();
        let key = envelope.key.as_ref();
        let sealed = Sealed {
            stream: &envelope.stream,
            seq: envelope.seq,
            at: envelope.at,
            by: &envelope.by,
            key,
            kind,
            body: &record.body,
        };
        Self {
            stream_id,
            seq: number(envelope.seq),
            at_ms: envelope.at.as_millis(),
            author: envelope.by.as_str(),
            dedupe: key.map(|key| dedupe(&envelope.by, &key.word)),
            fingerprint: key.map(|key| &key.fingerprint.0[..]),
            kind,
            body: &record.body,
            checksum: i64::from(sealed.checksum()),
        }
    }
}

/// Under which a repeat is found: names have no colon, so the two parts cannot be confused.
pub(super) fn dedupe(by: &ClientId, word: &IdempotencyKey) -> String {
    format!("{}:{word}", by.folded())
}

/// A position in the database's numbers. A reader may name any position; none that the database
/// cannot write was ever given.
pub(super) fn number(seq: Seq) -> i64 {
    i64::try_from(seq.get()).unwrap_or(i64::MAX)
}

/// A position from the database's numbers; a negative one was never written by us.
pub(super) fn seq(number: i64) -> Seq {
    Seq::new(u64::try_from(number).unwrap_or_default())
}

/// A record, as it is read.
#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = log)]
pub(super) struct LogRow {
    seq: i64,
    at_ms: i64,
    author: String,
    dedupe: Option<String>,
    fingerprint: Option<Vec<u8>>,
    kind: String,
    body: Vec<u8>,
    checksum: i64,
}

impl LogRow {
    /// How large its event is.
    pub(super) const fn body_bytes(&self) -> usize {
        self.body.len()
    }

    /// Where it stands in its stream.
    pub(super) const fn seq(&self) -> i64 {
        self.seq
    }

    /// Its event's stored form.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Under which a repeat of it is found.
    pub(super) fn dedupe(&self) -> Option<&str> {
        self.dedupe.as_deref()
    }

    /// What guards it.
    pub(super) const fn checksum(&self) -> i64 {
        self.checksum
    }

    /// The record, if it is what was written.
    pub(super) fn into_envelope(self, stream: &Stream) -> Result<Envelope, StoreError> {
        let corrupt = |column: &str, why: &dyn std::fmt::Display| {
            StoreError::Corrupt(format!(
                "log {stream} seq {} column {column}: {why}",
                self.seq
            ))
        };
        let by = ClientId::from_stored(&self.author).map_err(|why| corrupt("author", &why))?;
        let key = self.key().map_err(|why| corrupt("dedupe", &why))?;
        let sealed = Sealed {
            stream,
            seq: seq(self.seq),
            at: Timestamp::from_millis(self.at_ms),
            by: &by,
            key: key.as_ref(),
            kind: &self.kind,
            body: &self.body,
        };
        if i64::from(sealed.checksum()) != self.checksum {
            return Err(corrupt("checksum", &"the record is not what was written"));
        }
        let event = stored::decode_in(stream, &self.kind, &self.body);
        let event = event.map_err(|why| corrupt("body", &why))?;
        Ok(Envelope {
            stream: stream.clone(),
            seq: sealed.seq,
            at: sealed.at,
            by,
            key,
            event,
        })
    }

    fn key(&self) -> Result<Option<Key>, &'static str> {
        let (dedupe, fingerprint) = match (&self.dedupe, &self.fingerprint) {
            (None, None) => return Ok(None),
            (Some(dedupe), Some(fingerprint)) => (dedupe, fingerprint),
            _ => return Err("a key without a fingerprint, or the other way round"),
        };
        let (_, word) = dedupe.split_once(':').ok_or("not author:key")?;
        let word = word.parse().map_err(|_| "not a key")?;
        let bytes = fingerprint
            .as_slice()
            .try_into()
            .map_err(|_| "not a fingerprint")?;
        Ok(Some(Key {
            word,
            fingerprint: Fingerprint(bytes),
        }))
    }
}

/// A room in a list, as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = rooms)]
pub(super) struct RoomRow {
    stream_id: StreamNumber,
    name: String,
    topic: String,
    visibility: String,
    has_password: bool,
    created_at_ms: i64,
    closed_at_ms: Option<i64>,
    members: i64,
}

impl RoomRow {
    pub(super) fn into_room(self) -> Result<Room, StoreError> {
        let corrupt = |column: &str, why: &dyn std::fmt::Display| {
            StoreError::Corrupt(format!("rooms {} column {column}: {why}", self.stream_id))
        };
        Ok(Room {
            room: room_id(&self.name).map_err(|why| corrupt("name", &why))?,
            topic: self.topic.parse().map_err(|why| corrupt("topic", &why))?,
            visibility: visibility(&self.visibility)
                .ok_or_else(|| corrupt("visibility", &self.visibility))?,
            has_password: self.has_password,
            created_at: Timestamp::from_millis(self.created_at_ms),
            closed_at: self.closed_at_ms.map(Timestamp::from_millis),
            members: u64::try_from(self.members).map_err(|why| corrupt("members", &why))?,
        })
    }
}

pub(super) fn room_id(name: &str) -> Result<RoomId, bridge_core::id::InvalidName> {
    name.parse()
}

/// The word of a visibility in the database.
pub(super) const fn visibility_word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Open => "open",
        Visibility::Listed => "listed",
        Visibility::Private => "private",
    }
}

fn visibility(word: &str) -> Option<Visibility> {
    [Visibility::Open, Visibility::Listed, Visibility::Private]
        .into_iter()
        .find(|visibility| visibility_word(*visibility) == word)
}

/// A message in a mailbox, as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
pub(super) struct DeliveryRow {
    stream_id: StreamNumber,
    seq: i64,
    id: Vec<u8>,
    sender: String,
    stage: String,
    attempts: i64,
    failures: Option<String>,
    expires_at_ms: i64,
    deadline_ms: Option<i64>,
}

impl DeliveryRow {
    /// Where the record is that stored it.
    pub(super) const fn place(&self) -> (StreamNumber, i64) {
        (self.stream_id, self.seq)
    }

    /// The message with the record that stored it.
    pub(super) fn into_delivery(self, stored: Envelope) -> Result<Delivery, StoreError> {
        Ok(Delivery {
            stage: self.stage()?,
            attempts: u32::try_from(self.attempts).map_err(|why| self.corrupt("attempts", &why))?,
            failures: self.failures()?,
            stored,
        })
    }

    pub(super) fn into_due(self) -> Result<DueDelivery, StoreError> {
        Ok(DueDelivery {
            about: About {
                message: seq(self.seq),
                id: MessageId::from_slice(&self.id)
                    .ok_or_else(|| self.corrupt("id", &"not an id"))?,
                from: ClientId::from_stored(&self.sender)
                    .map_err(|why| self.corrupt("sender", &why))?,
            },
            stage: self.stage()?,
            expires_at: Timestamp::from_millis(self.expires_at_ms),
            deadline: self.deadline_ms.map(Timestamp::from_millis),
        })
    }

    fn stage(&self) -> Result<Stage, StoreError> {
        Stage::ALL
            .into_iter()
            .find(|stage| stage.as_str() == self.stage)
            .ok_or_else(|| self.corrupt("stage", &self.stage))
    }

    fn failures(&self) -> Result<Vec<Failure>, StoreError> {
        let Some(list) = &self.failures else {
            return Ok(Vec::new());
        };
        serde_json::from_str(list).map_err(|why| self.corrupt("failures", &why))
    }

    fn corrupt(&self, column: &str, why: &dyn std::fmt::Display) -> StoreError {
        let Self { stream_id, seq, .. } = self;
        StoreError::Corrupt(format!(
            "deliveries {stream_id} seq {seq} column {column}: {why}"
        ))
    }
}

/// Failures in the database's form; none when there are none.
pub(super) fn failures_word(failures: &[Failure]) -> Option<String> {
    (!failures.is_empty()).then(|| json(&failures))
}

/// One of those.
pub(super) fn failure_word(failure: &Failure) -> String {
    json(failure)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a failure has no map whose keys are not strings")
}
