//! Clients, rooms and channels as labels, when an operator wants them.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Series, happen, of, promtool_accepts, scrape};
use crate::support::{Sse, TestServer, within};

/// As many as are in `happen`.
const SETTINGS: &str = "[metrics]\nidentity_labels = true\nidentity_values_max = 3\n";

/// The sum of the series of a metric that have all these labels.
fn sum(series: &Series, name: &str, labels: &[&str]) -> f64 {
    let of_metric = series
        .iter()
        .filter(|(series, _)| series.split('{').next() == Some(name));
    let chosen = of_metric.filter(|(series, _)| labels.iter().all(|label| series.contains(*label)));
    chosen.map(|(_, value)| value).sum()
}

#[tokio::test]
async fn without_them_nothing_has_a_name() {
    let server = TestServer::start();
    happen(&server).await;
    let (text, series) = scrape(&server).await;
    for label in ["from=", "to=", "room=", "channel=", "client="] {
        let has_it = |name: &&String| {
            name.contains(&format!("{{{label}")) || name.contains(&format!(",{label}"))
        };
        assert_eq!(series.keys().find(has_it), None, "{text}");
    }
    assert!(!text.contains("bridge_room_members_by_room"), "{text}");
}

#[tokio::test]
async fn who_talks_to_whom_and_where() {
    let server = TestServer::with(SETTINGS);
    happen(&server).await;
    let mut cas = server.session("cas").await;
    cas.join("den").await;
    let stream = Sse::open(&server.rest("cas"), "/v1/rooms/den/events", None).await;
    let (text, series) = scrape(&server).await;
    for (name, expected) in [
        (
            "bridge_messages_total{kind=\"room\",outcome=\"stored\",from=\"ann\"}",
            5.0,
        ),
        (
            "bridge_messages_total{kind=\"direct\",outcome=\"stored\",from=\"ann\",to=\"bob\"}",
            1.0,
        ),
        (
            "bridge_messages_total{kind=\"direct\",outcome=\"duplicate\",from=\"ann\",to=\"bob\"}",
            1.0,
        ),
        (
            "bridge_messages_total{kind=\"direct\",outcome=\"refused\",from=\"other\",to=\"other\"}",
            1.0,
        ),
        (
            "bridge_room_messages_total{room=\"den\",channel=\"main\"}",
            5.0,
        ),
        (
            "bridge_connections_active{transport=\"ws\",client=\"cas\"}",
            1.0,
        ),
        (
            "bridge_connections_active{transport=\"sse\",client=\"cas\"}",
            1.0,
        ),
        ("bridge_room_members_by_room{room=\"den\"}", 3.0),
    ] {
        assert_eq!(of(&series, name), expected, "{name}\n{text}");
    }
    assert!(!text.contains("nobody-knows-me"), "{text}");
    promtool_accepts(&text);
    drop(stream);
}

/// Twenty clients in twenty rooms, of which three of each have series: nothing is lost in the sums.
#[tokio::test]
async fn at_the_bound_the_rest_counts_together() {
    let server = TestServer::with(SETTINGS);
    let names = |series: &Series| series.keys().cloned().collect::<BTreeSet<_>>();
    let mut sizes = Vec::new();
    let mut live = Vec::new();
    for number in 0..20 {
        let client = format!("client-{number}");
        let mut session = server.session(&client).await;
        session
            .create(json!({"room": format!("room-{number}")}))
            .await;
        session.post(&format!("room-{number}"), "hello").await;
        let message = json!({"to": client, "text": "hello"});
        let rest = server.rest(&client);
        rest.post("/v1/messages", &message).await.ok(201);
        live.push(session);
        sizes.push(names(&scrape(&server).await.1).len());
    }
    let (text, series) = scrape(&server).await;
    assert_eq!(sizes[10], sizes[19], "{text}");
    for (name, labels, expected) in [
        ("bridge_messages_total", &["kind=\"room\""][..], 20.0),
        ("bridge_messages_total", &["kind=\"direct\""], 20.0),
        ("bridge_messages_total", &["from=\"other\""], 37.0),
        ("bridge_room_messages_total", &[], 20.0),
        ("bridge_room_messages_total", &["room=\"other\""], 17.0),
        ("bridge_connections_active", &["transport=\"ws\""], 20.0),
        ("bridge_connections_active", &["client=\"other\""], 17.0),
        ("bridge_room_members_by_room", &[], 20.0),
        ("bridge_room_members_by_room", &["room=\"other\""], 17.0),
    ] {
        let sum = sum(&series, name, labels);
        assert!(
            (sum - expected).abs() < 0.5,
            "{name}{labels:?}: {sum}\n{text}"
        );
    }
    promtool_accepts(&text);
}

#[tokio::test]
async fn what_is_gone_is_not_shown() {
    let server = TestServer::with(SETTINGS);
    let mut ann = server.session("ann").await;
    let bob = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    let (text, series) = scrape(&server).await;
    let (bobs, den) = (
        "bridge_connections_active{transport=\"ws\",client=\"bob\"}",
        "bridge_room_members_by_room{room=\"den\"}",
    );
    assert_eq!((of(&series, bobs), of(&series, den)), (1.0, 1.0), "{text}");
    bob.close().await;
    server.rest("ann").delete("/v1/rooms/den").await.ok(200);
    let both_are_gone = async {
        loop {
            let series = scrape(&server).await.1;
            if !series.contains_key(bobs) && !series.contains_key(den) {
                break;
            }
        }
    };
    within("what is gone to vanish", both_are_gone).await;
}
