use std::time::Duration;

use bridge_core::message::Ending;

use super::*;

mod by_name;

fn rendered(metrics: &Metrics) -> String {
    metrics.render(&Observed {
        rooms_awake: 3,
        rooms_quarantined: 1,
        connected: [7, 2],
        restarts: vec![("rooms", 4)],
        clients: Vec::new(),
    })
}

/// What stands behind a series.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find(|line| {
        line.strip_prefix(series)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
}

/// What one of everything leaves.
const COUNTED: &[(&str, f64)] = &[
    (
        "bridge_messages_total{kind=\"room\",outcome=\"stored\"}",
        1.0,
    ),
    (
        "bridge_messages_total{kind=\"room\",outcome=\"duplicate\"}",
        1.0,
    ),
    (
        "bridge_messages_total{kind=\"direct\",outcome=\"refused\"}",
        1.0,
    ),
    (
        "bridge_messages_total{kind=\"broadcast\",outcome=\"stored\"}",
        0.0,
    ),
    ("bridge_messages_errors_total{type=\"storage_full\"}", 1.0),
    ("bridge_room_messages_total", 1.0),
    (
        "bridge_operation_duration_seconds_count{operation=\"post\",outcome=\"ok\"}",
        2.0,
    ),
    (
        "bridge_operation_duration_seconds_count{operation=\"send\",outcome=\"failed\"}",
        1.0,
    ),
    ("bridge_connections_active{transport=\"ws\"}", 7.0),
    ("bridge_connections_active{transport=\"sse\"}", 2.0),
    (
        "bridge_connections_total{transport=\"ws\",outcome=\"accepted\"}",
        1.0,
    ),
    (
        "bridge_connections_total{transport=\"ws\",outcome=\"refused\"}",
        1.0,
    ),
    (
        "bridge_message_latency_seconds_bucket{kind=\"room\",le=\"0.0025\"}",
        0.0,
    ),
    (
        "bridge_message_latency_seconds_bucket{kind=\"room\",le=\"0.005\"}",
        1.0,
    ),
    ("bridge_log_batch_rows_sum", 5.0),
    ("bridge_log_commit_seconds_count", 1.0),
    ("bridge_log_queue_seconds_count", 1.0),
    ("bridge_rooms_active", 3.0),
    ("bridge_rooms_quarantined", 1.0),
    ("bridge_actor_restarts_total{actor=\"rooms\"}", 4.0),
    ("bridge_dead_letters_total{reason=\"failed\"}", 1.0),
    ("bridge_dead_letters_total{reason=\"unknown\"}", 1.0),
    ("bridge_auth_failures_total{reason=\"bad_ticket\"}", 1.0),
];

#[test]
fn what_is_counted_is_shown() {
    let metrics = Metrics::new();
    metrics.measure(Operation::Post).done(false);
    metrics.measure(Operation::Post).done(true);
    let reject = Reject::StorageFull;
    metrics.measure(Operation::Send).refused(&reject);
    metrics.refused(&reject);
    metrics.connected(Transport::Ws, true);
    metrics.connected(Transport::Ws, false);
    metrics.handed_over(MessageKind::Room, Duration::from_millis(3));
    metrics
        .log()
        .committed(5, Duration::from_millis(2), Duration::ZERO);
    metrics.dead_letter(Some(Ending::Failed));
    metrics.dead_letter(None);
    metrics.not_let_in(Shown::Ticket);
    let text = rendered(&metrics);
    for (series, expected) in COUNTED {
        assert_eq!(value(&text, series), Some(*expected), "{series}\n{text}");
    }
    assert!(text.contains("bridge_build_info{version=\""), "{text}");
}

/// A request that nobody waits for any more says nothing about the server.
#[test]
fn what_was_given_up_counts_for_nothing() {
    let metrics = Metrics::new();
    drop(metrics.measure(Operation::Read));
    let series = "bridge_operation_duration_seconds_count{operation=\"read\",outcome=\"ok\"}";
    assert!(value(&rendered(&metrics), series).is_none_or(|count| count == 0.0));
}

#[test]
fn two_servers_in_one_process_do_not_mix() {
    let (one, other) = (Metrics::new(), Metrics::new());
    one.slow_consumer();
    let series = "bridge_slow_consumer_disconnects_total";
    assert_eq!(value(&rendered(&one), series), Some(1.0));
    assert_eq!(value(&rendered(&other), series), Some(0.0));
}

#[test]
fn every_name_says_what_it_is() {
    for named in names::COUNTERS {
        assert!(named.name.ends_with("_total"), "{}", named.name);
    }
    let histograms = names::HISTOGRAMS.map(|(named, _)| named);
    let all: Vec<names::Named> = [&names::COUNTERS[..], &names::GAUGES, &histograms].concat();
    for named in &all {
        assert!(named.name.starts_with("bridge_"), "{}", named.name);
        assert!(named.says.ends_with('.'), "{}", named.name);
    }
    let names: std::collections::HashSet<_> = all.iter().map(|named| named.name).collect();
    assert_eq!(names.len(), all.len());
}
