//! Clients, rooms and channels as labels.

use bridge_core::{ChannelName, ClientId, MessageId, RoomId};

use super::*;
use crate::telemetry::spans::Spans;
use crate::telemetry::subject::{Subject, To};

fn client(name: &str) -> ClientId {
    name.parse().expect("a name")
}

fn room(name: &str) -> RoomId {
    name.parse().expect("a name")
}

fn channel(name: &str) -> ChannelName {
    name.parse().expect("a name")
}

fn sent(metrics: &Metrics, from: &str, to: To, outcome: MessageOutcome) {
    let operation = match &to {
        To::Room(..) => Operation::Post,
        To::All => Operation::Broadcast,
        To::Client(_) | To::Several => Operation::Send,
    };
    let message = MessageId::from_uuid(uuid::Uuid::nil());
    let subject = || {
        Some(Subject {
            message,
            from: client(from),
            to,
            reply_to: None,
        })
    };
    let measuring = metrics.measure(operation);
    let measuring = measuring.about(&Spans::off(), message, subject);
    match outcome {
        MessageOutcome::Stored => measuring.done(false),
        MessageOutcome::Duplicate => measuring.done(true),
        MessageOutcome::Refused => measuring.refused(&Reject::StorageFull),
    }
}

/// The series of a metric: their labels, and their values.
fn series(text: &str, name: &str) -> Vec<(String, f64)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let lines = lines.filter(|rest| rest.starts_with(['{', ' ']));
    let series = lines.map(|line| {
        let (labels, value) = line.rsplit_once(' ').expect("a value");
        (labels.to_owned(), value.parse().expect("a number"))
    });
    let mut series: Vec<_> = series.filter(|(_, value)| *value != 0.0).collect();
    series.sort_by(|(one, _), (other, _)| one.cmp(other));
    series
}

fn expected(series: &[(&str, f64)]) -> Vec<(String, f64)> {
    let owned = |(labels, value): &(&str, f64)| ((*labels).to_owned(), *value);
    series.iter().map(owned).collect()
}

#[test]
fn who_sent_what_to_whom() {
    let metrics = Metrics::by_name(10);
    let to_bob = || To::Client(client("bob"));
    sent(&metrics, "ann", to_bob(), MessageOutcome::Stored);
    sent(&metrics, "Ann", to_bob(), MessageOutcome::Stored);
    sent(&metrics, "ann", to_bob(), MessageOutcome::Refused);
    let to_nobody = To::Client(client("made-up"));
    sent(&metrics, "ann", to_nobody, MessageOutcome::Refused);
    sent(&metrics, "ann", To::All, MessageOutcome::Stored);
    sent(&metrics, "ann", To::Several, MessageOutcome::Duplicate);
    let den = || To::Room(room("Den"), channel("Ideen \"und\" mehr"));
    sent(&metrics, "ann", den(), MessageOutcome::Stored);
    sent(&metrics, "bob", den(), MessageOutcome::Refused);
    let text = metrics.render(&Observed::default());
    let messages = expected(&[
        (
            "{kind=\"broadcast\",outcome=\"stored\",from=\"ann\",to=\"all\"}",
            1.0,
        ),
        (
            "{kind=\"direct\",outcome=\"duplicate\",from=\"other\",to=\"other\"}",
            1.0,
        ),
        (
            "{kind=\"direct\",outcome=\"refused\",from=\"ann\",to=\"bob\"}",
            1.0,
        ),
        (
            "{kind=\"direct\",outcome=\"refused\",from=\"other\",to=\"other\"}",
            1.0,
        ),
        (
            "{kind=\"direct\",outcome=\"stored\",from=\"ann\",to=\"bob\"}",
            2.0,
        ),
        ("{kind=\"room\",outcome=\"refused\",from=\"other\"}", 1.0),
        ("{kind=\"room\",outcome=\"stored\",from=\"ann\"}", 1.0),
    ]);
    assert_eq!(series(&text, "bridge_messages_total"), messages, "{text}");
    let posts = expected(&[("{room=\"den\",channel=\"ideen \\\"und\\\" mehr\"}", 1.0)]);
    assert_eq!(series(&text, "bridge_room_messages_total"), posts, "{text}");
}

/// Whoever is called like one of our words is not mixed up with what it means.
#[test]
fn a_client_may_be_called_other() {
    let metrics = Metrics::by_name(1);
    let to_several = To::Client(client("several"));
    sent(&metrics, "other", to_several, MessageOutcome::Stored);
    let to_bob = To::Client(client("bob"));
    sent(&metrics, "ann", to_bob, MessageOutcome::Stored);
    let text = metrics.render(&Observed::default());
    let messages = expected(&[
        (
            "{kind=\"direct\",outcome=\"stored\",from=\"=other\",to=\"=several\"}",
            1.0,
        ),
        (
            "{kind=\"direct\",outcome=\"stored\",from=\"other\",to=\"other\"}",
            1.0,
        ),
    ]);
    assert_eq!(series(&text, "bridge_messages_total"), messages, "{text}");
}

/// Clients come and go for months: every message counts, and there are not more series.
#[test]
fn series_are_bounded_and_nothing_is_lost() {
    let metrics = Metrics::by_name(3);
    let mut lines = Vec::new();
    for month in 0..200 {
        let from = format!("client-{month}");
        let to_next = To::Client(client(&format!("client-{}", month + 1)));
        sent(&metrics, &from, to_next, MessageOutcome::Stored);
        let place = To::Room(room(&format!("room-{month}")), channel("main"));
        sent(&metrics, &from, place, MessageOutcome::Stored);
        let mut awake = metrics.room_awake();
        awake.has_members(&room(&format!("room-{month}")), 2);
        let observed = Observed {
            clients: vec![(client(&from), [1, 0])],
            ..Observed::default()
        };
        let text = metrics.render(&observed);
        lines.push(text.lines().filter(|line| !line.starts_with('#')).count());
    }
    let text = metrics.render(&Observed::default());
    assert_eq!(lines[10], lines[199], "{text}");
    for (name, sum) in [
        ("bridge_messages_total", 400.0),
        ("bridge_room_messages_total", 200.0),
        ("bridge_connections_active", 0.0),
        ("bridge_room_members_by_room", 0.0),
    ] {
        let values = series(&text, name).into_iter().map(|(_, value)| value);
        assert_eq!(values.sum::<f64>(), sum, "{name}\n{text}");
    }
    assert!(!text.contains("client=\"client-199\""), "{text}");
}

#[test]
fn who_is_connected_now_is_shown_by_name() {
    let metrics = Metrics::by_name(2);
    let observed = |clients: &[(&str, [usize; 2])]| Observed {
        clients: clients
            .iter()
            .map(|(name, of)| (client(name), *of))
            .collect(),
        ..Observed::default()
    };
    let name = "bridge_connections_active";
    let text = metrics.render(&observed(&[
        ("bob", [1, 0]),
        ("cas", [1, 0]),
        ("dan", [2, 1]),
        ("eve", [1, 0]),
    ]));
    let active = expected(&[
        ("{transport=\"sse\",client=\"other\"}", 1.0),
        ("{transport=\"ws\",client=\"bob\"}", 1.0),
        ("{transport=\"ws\",client=\"cas\"}", 1.0),
        ("{transport=\"ws\",client=\"other\"}", 3.0),
    ]);
    assert_eq!(series(&text, name), active, "{text}");
    let text = metrics.render(&observed(&[("ann", [1, 0]), ("cas", [1, 2])]));
    let active = expected(&[
        ("{transport=\"sse\",client=\"cas\"}", 2.0),
        ("{transport=\"ws\",client=\"ann\"}", 1.0),
        ("{transport=\"ws\",client=\"cas\"}", 1.0),
    ]);
    assert_eq!(series(&text, name), active, "{text}");
    assert!(!text.contains("client=\"bob\""), "{text}");
}
