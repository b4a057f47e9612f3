use bridge_core::RoomId;
use uuid::Uuid;

use super::*;
use crate::telemetry::metrics::Observed;

fn message(low: u64) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128((7 << 64) | u128::from(low)))
}

fn client(name: &str) -> ClientId {
    name.parse().expect("a name")
}

fn subject(id: MessageId) -> Subject {
    let den: RoomId = "den".parse().expect("a name");
    Subject {
        message: id,
        from: client("ann"),
        to: To::Room(den, "main".parse().expect("a name")),
        reply_to: Some(message(1)),
    }
}

/// Spans into a queue of so many.
fn spans(sample: f64, room: usize) -> (Spans, mpsc::Receiver<Span>, Metrics) {
    let metrics = Metrics::new();
    let (queue, came) = mpsc::channel(room);
    let inside = Inside {
        followed: span::lots(sample),
        queue,
        dropped: metrics.spans_dropped(),
    };
    (Spans(Some(Arc::new(inside))), came, metrics)
}

#[test]
fn all_that_happens_to_a_message_is_one_trace() {
    let (spans, mut came, _) = spans(1.0, 8);
    let followed = spans.of(message(2)).expect("all are followed");
    let remote = Remote::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let since = Stopwatch::start();
    followed.accepted(&subject(message(2)), MessageOutcome::Stored, since, remote);
    let receiver = Receiver {
        client: client("bob"),
        session: SessionId::from_uuid(Uuid::from_u128(9)),
        attempt: None,
        of: Some(3),
    };
    followed.written(&receiver, since);
    followed.fetched(&client("bob"), 2);
    followed.reached(Reached::Dead, &client("bob"));
    let all: Vec<Span> = std::iter::from_fn(|| came.try_recv().ok()).collect();
    let names: Vec<_> = all.iter().map(|span| span.name.word()).collect();
    assert_eq!(names, ["accept", "deliver", "deliver", "dead"]);
    let root = &all[0];
    assert_eq!((root.parent, root.is_error), (None, false));
    let links: Vec<_> = root.links.iter().map(|(trace, _)| *trace).collect();
    let theirs = remote.expect("a good header").link().0;
    assert_eq!(links, [TraceId::of(message(1)), theirs]);
    for span in &all {
        assert_eq!(span.trace, TraceId::of(message(2)));
        assert!(span.began <= span.ended, "{span:?}");
    }
    for span in &all[1..] {
        assert_eq!(span.parent, Some(root.id));
    }
    assert!(all[3].is_error);
}

#[test]
fn a_full_queue_drops_and_counts() {
    let (spans, mut came, metrics) = spans(1.0, 2);
    let followed = spans.of(message(2)).expect("all are followed");
    for _ in 0..5 {
        followed.reached(Reached::Seen, &client("bob"));
    }
    assert_eq!(came.len(), 2);
    assert!(came.try_recv().is_ok());
    let text = metrics.render(&Observed::default());
    let line = "bridge_spans_dropped_total 3";
    assert!(text.lines().any(|found| found == line), "{text}");
}

#[test]
fn a_message_is_followed_everywhere_or_nowhere() {
    let (spans, ..) = spans(0.5, 1);
    let low = message(1);
    let high = message((1 << 56) - 1);
    assert!(spans.of(low).is_some());
    assert!(spans.of(high).is_none());
    assert!(Spans::off().of(low).is_none() && !Spans::off().is_on());
    let settings = Settings::new("http://127.0.0.1:1", 0.5, "bridge").expect("good settings");
    assert_eq!(settings.map(|these| these.of_all_messages()), Some(1 << 55));
}

#[test]
fn a_request_has_the_form_of_the_protocol() {
    let span = Span {
        trace: TraceId(0xab),
        id: SpanId(2),
        parent: Some(SpanId(3)),
        links: vec![(TraceId(4), SpanId(5))],
        name: Name::Store,
        began: Duration::from_nanos(1_700_000_000_000_000_001),
        ended: Duration::from_nanos(1_700_000_000_000_000_002),
        attributes: vec![
            ("bridge.stream", Value::Text("room:den".to_owned())),
            ("bridge.seq", Value::Number(7)),
        ],
        is_error: true,
    };
    let request = otlp::request("my bridge", &[span]);
    let resource = &request["resourceSpans"][0];
    let name = serde_json::json!({"key": "service.name", "value": {"stringValue": "my bridge"}});
    assert_eq!(resource["resource"]["attributes"][0], name);
    assert_eq!(
        resource["scopeSpans"][0]["spans"],
        serde_json::json!([{
            "traceId": "000000000000000000000000000000ab",
            "spanId": "0000000000000002",
            "parentSpanId": "0000000000000003",
            "name": "store",
            "kind": 1,
            "startTimeUnixNano": "1700000000000000001",
            "endTimeUnixNano": "1700000000000000002",
            "attributes": [
                {"key": "bridge.stream", "value": {"stringValue": "room:den"}},
                {"key": "bridge.seq", "value": {"intValue": "7"}},
            ],
            "links": [{
                "traceId": "00000000000000000000000000000004",
                "spanId": "0000000000000005",
            }],
            "status": {"code": 2},
        }])
    );
}
