//! A span, and how its ids follow from a message's.

use std::fmt;
use std::time::Duration;

use bridge_core::MessageId;

/// The bits of a lot: as many as a float tells apart, and some more.
const LOT_BITS: u32 = 56;

/// Something that happened to a message, and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) trace: TraceId,
    pub(super) id: SpanId,
    pub(super) parent: Option<SpanId>,
    /// Spans of other traces that it has to do with.
    pub(super) links: Vec<(TraceId, SpanId)>,
    pub(super) name: Name,
    /// Since 1970.
    pub(super) began: Duration,
    pub(super) ended: Duration,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) is_error: bool,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Accept,
    Store,
    Deliver,
    Seen,
    Done,
    Expired,
    Dead,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
}

/// The id of a trace: a message's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceId(pub(super) u128);

/// The id of a span in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpanId(pub(super) u64);

impl Name {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Store => "store",
            Self::Deliver => "deliver",
            Self::Seen => "seen",
            Self::Done => "done",
            Self::Expired => "expired",
            Self::Dead => "dead",
        }
    }
}

impl Span {
    pub(super) fn text(&mut self, key: &'static str, value: impl fmt::Display) {
        self.attributes.push((key, Value::Text(value.to_string())));
    }

    pub(super) fn number(&mut self, key: &'static str, value: u64) {
        self.attributes.push((key, Value::Number(value)));
    }
}

impl TraceId {
    pub(super) fn of(message: MessageId) -> Self {
        Self(u128::from_be_bytes(*message.as_bytes()))
    }
}

impl SpanId {
    /// The span of the request that brought a message.
    pub(super) fn of_acceptance(message: MessageId) -> Self {
        Self(low(message).max(1))
    }

    /// One of the others: the same thing has the same id, whoever tells of it, and however often.
    pub(super) fn of(message: MessageId, name: Name, which: &[&[u8]]) -> Self {
        let parts = which.iter().flat_map(|part| part.iter());
        let bytes = name.word().bytes().chain(parts.copied());
        Self((low(message) ^ fnv(bytes)).max(1))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a message has drawn, below [`lots`] of 1. The last half of an id's half comes first: it is drawn
/// anew for each id, where what stands before it counts those of one millisecond, which would all be
/// followed or none.
pub(super) fn lot(message: MessageId) -> u64 {
    low(message).rotate_left(32) >> (u64::BITS - LOT_BITS)
}

/// How many lots make up a part of all messages, from 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to 2^56"
)]
pub(super) fn lots(part: f64) -> u64 {
    (part.clamp(0.0, 1.0) * 2_f64.powi(LOT_BITS.cast_signed())) as u64
}

/// The half of an id that does not follow from the time.
fn low(message: MessageId) -> u64 {
    let [_, _, _, _, _, _, _, _, low @ ..] = *message.as_bytes();
    u64::from_be_bytes(low)
}

/// FNV-1a: spreads a few bytes over all bits, and is the same in every version of the program.
fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn message(low: u64) -> MessageId {
        MessageId::from_uuid(Uuid::from_u128((7 << 64) | u128::from(low)))
    }

    #[test]
    fn ids_follow_from_the_message_and_differ() {
        let one = message(0x8000_0000_0000_0001);
        assert_eq!(
            TraceId::of(one).to_string(),
            "00000000000000078000000000000001"
        );
        assert_eq!(SpanId::of_acceptance(one).to_string(), "8000000000000001");
        let ids = [
            SpanId::of_acceptance(one),
            SpanId::of(one, Name::Store, &[b"room:den"]),
            SpanId::of(one, Name::Store, &[b"room:attic"]),
            SpanId::of(one, Name::Deliver, &[b"ann", &[1]]),
            SpanId::of(one, Name::Deliver, &[b"ann", &[2]]),
            SpanId::of(one, Name::Deliver, &[b"bob", &[1]]),
        ];
        for (place, id) in ids.iter().enumerate() {
            assert!(!ids[..place].contains(id), "{place}");
        }
        assert_eq!(SpanId::of(one, Name::Deliver, &[b"ann", &[1]]), ids[3]);
        assert_ne!(SpanId::of_acceptance(message(0)).0, 0, "no id is zero");
    }

    #[test]
    fn so_many_of_all_messages_are_followed() {
        assert_eq!(lots(0.0), 0);
        assert_eq!(lots(1.0), 1 << 56);
        let quarter = lots(0.25);
        let ids = (0..4_000_u64).map(|n| message(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let followed = ids.filter(|id| lot(*id) < quarter).count();
        assert!((900..1_100).contains(&followed), "{followed}");
    }

    /// Ids of one millisecond count up in front of what is drawn.
    #[test]
    fn messages_of_one_moment_are_not_followed_all_or_none() {
        let drawn = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let ids = (0..400_u64).map(|n| message(((1 << 31) | n) << 32 | drawn(n)));
        let followed = ids.filter(|id| lot(*id) < lots(0.5)).count();
        assert!((150..250).contains(&followed), "{followed}");
    }
}
