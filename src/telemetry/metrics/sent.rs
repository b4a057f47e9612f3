//! Messages that were sent: by kind and outcome, and by name when an operator has chosen that.

use metrics::Counter;

use super::Maker;
use super::labels::{MessageKind, MessageOutcome};
use super::names;
use super::values::{ALL, First, OTHER, SEVERAL, label};
use crate::telemetry::subject::{Subject, To};

/// How messages are counted.
pub(super) enum Sent {
    /// By kind and outcome.
    Plain(Plain),
    /// By who sent them to whom as well.
    ByName(ByName),
}

/// Handles that are made once, so that to count is an addition.
pub(super) struct Plain {
    messages: [[Counter; MessageOutcome::ALL.len()]; MessageKind::ALL.len()],
    room_messages: Counter,
}

/// Which names have series.
pub(super) struct ByName {
    /// From whom, and to whom.
    correspondents: First<[String; 2]>,
    /// A room, and a channel.
    channels: First<[String; 2]>,
}

impl Sent {
    /// Nothing was sent yet. With a number, so many combinations of names have series of their own.
    pub(super) fn new(maker: Maker<'_>, names_max: Option<usize>) -> Self {
        match names_max {
            None => Self::Plain(Plain::new(maker)),
            Some(max) => Self::ByName(ByName::new(maker, max)),
        }
    }

    /// Something came of a message. `subject` is what is known of it, if it was asked for.
    pub(super) fn count(
        &self,
        maker: Maker<'_>,
        kind: MessageKind,
        outcome: MessageOutcome,
        subject: Option<&Subject>,
    ) {
        match self {
            Self::Plain(plain) => plain.count(kind, outcome),
            Self::ByName(by_name) => by_name.count(maker, kind, outcome, subject),
        }
    }
}

/// Whether it counts as a post of a room.
fn is_post(kind: MessageKind, outcome: MessageOutcome) -> bool {
    (kind, outcome) == (MessageKind::Room, MessageOutcome::Stored)
}

impl Plain {
    fn new(maker: Maker<'_>) -> Self {
        let messages = MessageKind::ALL.map(|kind| {
            MessageOutcome::ALL.map(|outcome| {
                let labels = [("kind", kind.word()), ("outcome", outcome.word())];
                maker.counter(names::MESSAGES, labels)
            })
        });
        Self {
            messages,
            room_messages: maker.counter(names::ROOM_MESSAGES, []),
        }
    }

    fn count(&self, kind: MessageKind, outcome: MessageOutcome) {
        self.messages[kind as usize][outcome as usize].increment(1);
        if is_post(kind, outcome) {
            self.room_messages.increment(1);
        }
    }
}

impl ByName {
    fn new(maker: Maker<'_>, max: usize) -> Self {
        let by_name = Self {
            correspondents: First::new(max),
            channels: First::new(max),
        };
        for kind in MessageKind::ALL {
            for outcome in MessageOutcome::ALL {
                let other = [OTHER.to_owned(), OTHER.to_owned()];
                messages(maker, kind, outcome, other).increment(0);
            }
        }
        posts(maker, [OTHER.to_owned(), OTHER.to_owned()]).increment(0);
        by_name
    }

    fn count(
        &self,
        maker: Maker<'_>,
        kind: MessageKind,
        outcome: MessageOutcome,
        subject: Option<&Subject>,
    ) {
        // Whoever is refused may have made up the names; those must not use up the series.
        let may_enter = outcome == MessageOutcome::Stored;
        let of = |first: &First<[String; 2]>, names: Option<[String; 2]>| {
            let own = names.filter(|names| first.has(names.clone(), may_enter));
            own.unwrap_or_else(|| [OTHER.to_owned(), OTHER.to_owned()])
        };
        let names = of(&self.correspondents, subject.map(correspondents));
        messages(maker, kind, outcome, names).increment(1);
        if is_post(kind, outcome) {
            let names = of(&self.channels, subject.and_then(channel));
            posts(maker, names).increment(1);
        }
    }
}

/// What to count of a kind. Posts have no `to`: their room is in the metric of rooms.
fn messages(
    maker: Maker<'_>,
    kind: MessageKind,
    outcome: MessageOutcome,
    [from, to]: [String; 2],
) -> Counter {
    let labels = [
        ("kind", kind.word().to_owned()),
        ("outcome", outcome.word().to_owned()),
        ("from", from),
    ];
    match kind {
        MessageKind::Room => maker.counter_named(names::MESSAGES, labels),
        MessageKind::Direct | MessageKind::Broadcast => {
            let [kind, outcome, from] = labels;
            maker.counter_named(names::MESSAGES, [kind, outcome, from, ("to", to)])
        }
    }
}

fn posts(maker: Maker<'_>, [room, channel]: [String; 2]) -> Counter {
    maker.counter_named(names::ROOM_MESSAGES, [("room", room), ("channel", channel)])
}

fn correspondents(subject: &Subject) -> [String; 2] {
    let to = match &subject.to {
        To::Client(client) => label(client.folded()),
        To::Several => SEVERAL.to_owned(),
        To::All => ALL.to_owned(),
        To::Room(..) => String::new(),
    };
    [label(subject.from.folded()), to]
}

fn channel(subject: &Subject) -> Option<[String; 2]> {
    match &subject.to {
        To::Room(room, channel) => Some([label(room.folded()), label(channel.folded())]),
        To::Client(_) | To::Several | To::All => None,
    }
}
