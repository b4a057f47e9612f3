//! `GET /metrics`: what is measured, who may read it, and that it stays small.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{Rest, TestServer};

mod by_name;
mod own_address;

/// Series by their names and labels.
type Series = BTreeMap<String, f64>;

async fn scrape(server: &TestServer) -> (String, Series) {
    let addr = server.metrics_addr.unwrap_or(server.addr);
    let reply = Rest::new(addr, None).get("/metrics").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let form = reply.headers["content-type"].to_str().expect("ASCII");
    assert!(form.starts_with("text/plain; version=0.0.4"), "{form}");
    let lines = reply.text.lines().filter(|line| !line.starts_with('#'));
    let series = lines.filter_map(|line| line.rsplit_once(' '));
    let series = series.map(|(name, value)| {
        let value = value.parse().unwrap_or_else(|why| panic!("{name}: {why}"));
        (name.to_owned(), value)
    });
    (reply.text.clone(), series.collect())
}

fn of(series: &Series, name: &str) -> f64 {
    series.get(name).copied().unwrap_or_default()
}

/// A history in which everything happens once.
async fn happen(server: &TestServer) {
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    bob.send(json!({"type": "join", "room": "den"})).await;
    ann.up_to("den", 3).await;
    for number in 0..5 {
        ann.post("den", &format!("secret {number}")).await;
    }
    bob.up_to("den", 8).await;
    let rest = server.rest("ann");
    let message = json!({"to": "bob", "text": "secret"});
    for status in [201, 200] {
        let sent = rest.keyed(reqwest::Method::POST, "/v1/messages", Some(&message), "one");
        sent.await.ok(status);
    }
    let nobody = json!({"to": "nobody-knows-me", "text": "secret"});
    rest.post("/v1/messages", &nobody).await.ok(404);
    Rest::new(server.addr, None).get("/v1/rooms").await.ok(401);
    Rest::new(server.addr, Some("no token".to_owned()))
        .get("/v1/rooms")
        .await
        .ok(401);
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = TestServer::start();
    happen(&server).await;
    let (text, series) = scrape(&server).await;
    for (name, expected) in [
        (
            "bridge_messages_total{kind=\"room\",outcome=\"stored\"}",
            5.0,
        ),
        (
            "bridge_messages_total{kind=\"direct\",outcome=\"stored\"}",
            1.0,
        ),
        (
            "bridge_messages_total{kind=\"direct\",outcome=\"duplicate\"}",
            1.0,
        ),
        (
            "bridge_messages_total{kind=\"direct\",outcome=\"refused\"}",
            1.0,
        ),
        (
            "bridge_messages_errors_total{type=\"unknown_recipient\"}",
            1.0,
        ),
        ("bridge_messages_errors_total{type=\"unauthorized\"}", 2.0),
        ("bridge_room_messages_total", 5.0),
        ("bridge_room_members_count", 2.0),
        ("bridge_room_members_sum", 3.0),
        (
            "bridge_connections_total{transport=\"ws\",outcome=\"accepted\"}",
            2.0,
        ),
        (
            "bridge_operation_duration_seconds_count{operation=\"post\",outcome=\"ok\"}",
            5.0,
        ),
        (
            "bridge_operation_duration_seconds_count{operation=\"create_room\",outcome=\"ok\"}",
            1.0,
        ),
        (
            "bridge_operation_duration_seconds_count{operation=\"join\",outcome=\"ok\"}",
            1.0,
        ),
        ("bridge_mailbox_depth_count", 1.0),
        ("bridge_auth_failures_total{reason=\"no_token\"}", 1.0),
        ("bridge_auth_failures_total{reason=\"bad_token\"}", 1.0),
        ("bridge_rooms_active", 1.0),
    ] {
        assert_eq!(of(&series, name), expected, "{name}\n{text}");
    }
    for name in [
        "bridge_message_latency_seconds_count{kind=\"room\"}",
        "bridge_message_latency_seconds_count{kind=\"direct\"}",
        "bridge_outbox_bytes_count",
        "bridge_log_batch_rows_sum",
        "bridge_log_commit_seconds_count",
        "bridge_log_queue_seconds_count",
        "process_resident_memory_bytes",
    ] {
        assert!(of(&series, name) > 0.0, "{name}\n{text}");
    }
    let slowest = of(&series, "bridge_message_latency_seconds_sum{kind=\"room\"}");
    assert!(slowest < 60.0, "{slowest} s of a handful of messages");
}

#[tokio::test]
async fn nothing_in_it_is_a_secret() {
    let server = TestServer::start();
    happen(&server).await;
    let (text, _) = scrape(&server).await;
    for word in ["ann", "bob", "den", "secret", "nobody-knows-me", "one"] {
        let is_there = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .any(|line| line.contains(&format!("\"{word}")));
        assert!(!is_there, "{word}: {text}");
    }
}

/// 500 clients in 200 rooms, and not one series more than for two in one.
#[tokio::test]
async fn it_does_not_grow_with_its_users() {
    let server = TestServer::start();
    happen(&server).await;
    let names = |series: Series| series.into_keys().collect::<BTreeSet<_>>();
    let before = names(scrape(&server).await.1);
    for room in 0..200 {
        let owner = server.rest(&format!("client-{room}"));
        let body = json!({"room": format!("room-{room}")});
        owner.post("/v1/rooms", &body).await.ok(201);
        let body = json!({"text": "hello"});
        let path = format!("/v1/rooms/room-{room}/messages");
        owner.post(&path, &body).await.ok(201);
    }
    for client in 200..500 {
        let rest = server.rest(&format!("client-{client}"));
        let path = format!("/v1/rooms/room-{}/members/me", client % 200);
        rest.put(&path, &json!({})).await.ok(200);
    }
    let after = names(scrape(&server).await.1);
    let new: Vec<_> = after.difference(&before).collect();
    assert!(new.is_empty(), "{new:?}");
    assert!(after.len() < 1_200, "{} series", after.len());
}

/// What Prometheus itself says of it.
fn promtool_accepts(text: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there (Debian: the package prometheus)");
    let mut stdin = promtool.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("it reads");
    drop(stdin);
    let said = promtool.wait_with_output().expect("it ends");
    let words = [said.stdout, said.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(said.status.success(), "{}\n{text}", words.concat());
    assert_eq!(words.concat(), "", "{text}");
}

#[tokio::test]
async fn promtool_finds_nothing_wrong() {
    let server = TestServer::start();
    happen(&server).await;
    let (text, _) = scrape(&server).await;
    promtool_accepts(&text);
}

#[tokio::test]
async fn who_may_read_it() {
    for (open, from_here, by_a_proxy) in [
        ("loopback", 200, 401),
        ("nobody", 401, 401),
        ("everybody", 200, 200),
    ] {
        let server = TestServer::with(&format!("[metrics]\nopen = \"{open}\"\n"));
        let anybody = Rest::new(server.addr, None);
        let asked = |rest: &Rest| rest.request(reqwest::Method::GET, "/metrics");
        assert_eq!(
            anybody.send(asked(&anybody)).await.status,
            from_here,
            "{open}"
        );
        for header in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
            let request = asked(&anybody).header(header, "203.0.113.9");
            assert_eq!(
                anybody.send(request).await.status,
                by_a_proxy,
                "{open} {header}"
            );
        }
        for (scope, status) in [("metrics", 200), ("admin", 200), ("message room", 403)] {
            let status = if open == "everybody" { 200 } else { status };
            let rest = server.rest_with("prometheus", scope);
            let request = asked(&rest).header("x-forwarded-for", "203.0.113.9");
            assert_eq!(rest.send(request).await.status, status, "{open} {scope}");
        }
    }
}
