//! One message from its sender to its receivers, as a collector of spans sees it.

use std::collections::BTreeSet;
use std::net::TcpListener;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::collector::Span;
use crate::support::{Collector, Rest, TestServer, within};

/// What must not be in any span.
const SECRET: &str = "what ann says to bob";

fn server(collector: &Collector) -> TestServer {
    TestServer::with(&settings(&format!("http://{}", collector.addr), "1.0"))
}

fn settings(endpoint: &str, sample: &str) -> String {
    format!("[tracing]\notlp_endpoint = \"{endpoint}\"\notlp_sample = {sample}\n")
}

/// The trace of a message.
fn trace_of(message: &Value) -> String {
    let id = message["id"].as_str().expect("a message has an id");
    id.strip_prefix("msg_")
        .expect("an id of a message")
        .to_owned()
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name() == name).collect()
}

fn only<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let [span] = named(spans, name)[..] else {
        panic!("one {name}: {spans:?}");
    };
    span
}

/// All stand under the request by which the message came.
fn stand_under_acceptance(spans: &[Span]) {
    let root = only(spans, "accept");
    assert_eq!(root.text("parentSpanId"), "");
    let mut ids = BTreeSet::new();
    for span in spans {
        assert!(ids.insert(span.text("spanId")), "twice: {span:?}");
        let (began, ended) = span.times();
        assert!(began > 0 && began <= ended, "{span:?}");
        if span.name() != "accept" {
            assert_eq!(span.text("parentSpanId"), root.text("spanId"), "{span:?}");
        }
    }
}

/// Stops a server by another thread: this one serves the collector.
async fn stop(mut server: TestServer) {
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    let stopped = within("the end of the server", stopped).await;
    stopped.expect("no panic").expect("it ends well");
}

fn has_no_text(collector: &Collector) {
    for request in collector.requests() {
        assert!(!request.contains(SECRET), "{request}");
    }
}

#[tokio::test]
async fn a_direct_message_is_one_trace() {
    let collector = Collector::start().await;
    let server = server(&collector);
    let mut bob = server.session("bob").await;
    let ann = server.rest("ann");
    let message = json!({"to": "bob", "text": SECRET, "metadata": {"note": SECRET}});
    let caller = "0af7651916cd43dd8448eb211c80319c";
    let request = ann.request(Method::POST, "/v1/messages").json(&message);
    let request = request.header("traceparent", format!("00-{caller}-b7ad6b7169203331-01"));
    let sent = ann.send(request).await.ok(201);
    let got = bob.expect("message").await;
    assert_eq!(got["id"], sent["id"]);
    for stage in ["seen", "done"] {
        let ack = json!({"type": "ack", "id": got["id"], "stage": stage});
        bob.done(ack).await;
    }
    let answer = json!({"type": "send", "to": "ann", "text": SECRET, "reply_to": got["id"]});
    let answer = bob.done(answer).await;

    let spans = collector.trace(&trace_of(&sent), 5).await;
    stand_under_acceptance(&spans);
    let accept = only(&spans, "accept");
    assert_eq!(accept.attribute("bridge.from"), Some("ann"));
    assert_eq!(accept.attribute("bridge.to"), Some("bob"));
    assert_eq!(accept.attribute("bridge.outcome"), Some("stored"));
    assert_eq!(accept.links(), [caller]);
    let store = only(&spans, "store");
    assert_eq!(store.attribute("bridge.stream"), Some("mailbox:bob"));
    let deliver = only(&spans, "deliver");
    assert_eq!(deliver.attribute("bridge.receiver"), Some("bob"));
    assert_eq!(deliver.attribute("bridge.attempt"), Some("1"));
    for stage in ["seen", "done"] {
        let reached = only(&spans, stage);
        assert_eq!(reached.attribute("bridge.receiver"), Some("bob"));
    }
    let answer = collector.trace(&trace_of(&answer), 2).await;
    assert_eq!(only(&answer, "accept").links(), [trace_of(&sent)]);
    has_no_text(&collector);
}

#[tokio::test]
async fn a_message_that_comes_again_has_a_span_for_each_attempt() {
    let collector = Collector::start().await;
    let server = server(&collector);
    let ann = server.rest("ann");
    let mut bob = server.session("bob").await;
    let message = json!({"to": "bob", "text": SECRET});
    let sent = ann.post("/v1/messages", &message).await.ok(201);
    bob.expect("message").await;
    bob.close().await;
    let mut bob = server.session("bob").await;
    let again = bob.expect("message").await;
    let spans = collector.trace(&trace_of(&sent), 4).await;
    let attempts: Vec<_> = named(&spans, "deliver")
        .iter()
        .filter_map(|span| span.attribute("bridge.attempt"))
        .collect();
    assert_eq!(attempts, ["1", "2"], "{again}: {spans:?}");
    stand_under_acceptance(&spans);
}

#[tokio::test]
async fn a_message_that_is_fetched_by_a_call_is_delivered_too() {
    let collector = Collector::start().await;
    let server = server(&collector);
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    // From its first request on others may write to it.
    bob.get("/v1/mailbox").await.ok(200);
    let message = json!({"to": "bob", "text": SECRET});
    let sent = ann.post("/v1/messages", &message).await.ok(201);
    bob.get("/v1/mailbox").await.ok(200);
    let spans = collector.trace(&trace_of(&sent), 3).await;
    stand_under_acceptance(&spans);
    let deliver = only(&spans, "deliver");
    assert_eq!(deliver.attribute("bridge.receiver"), Some("bob"));
    assert_eq!(deliver.attribute("bridge.session"), None);
}

#[tokio::test]
async fn a_message_to_all_is_one_trace() {
    let collector = Collector::start().await;
    let server = server(&collector);
    let mut bob = server.session("bob").await;
    let ann = server.rest_with("ann", "message broadcast");
    let message = json!({"to": "all", "text": SECRET});
    let sent = ann.post("/v1/messages", &message).await.ok(201);
    bob.expect("message").await;
    let spans = collector.trace(&trace_of(&sent), 3).await;
    stand_under_acceptance(&spans);
    assert_eq!(only(&spans, "accept").attribute("bridge.to"), Some("all"));
    let deliver = only(&spans, "deliver");
    assert_eq!(deliver.attribute("bridge.receiver"), Some("bob"));
    has_no_text(&collector);
}

/// What the server says by itself was asked for by nobody, so its trace begins where it is stored.
#[tokio::test]
async fn a_notice_has_a_trace_of_its_own() {
    let collector = Collector::start().await;
    let server = server(&collector);
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let bob = server.rest("bob");
    bob.put("/v1/rooms/den/members/me", &json!({}))
        .await
        .ok(200);
    ann.post("den", "@bob look").await;
    let mut bob = server.session("bob").await;
    let notice = bob.expect("message").await;
    assert_eq!(notice["from"], "system", "{notice}");
    let spans = collector.trace(&trace_of(&notice), 2).await;
    let store = only(&spans, "store");
    assert_eq!(store.text("parentSpanId"), "");
    let deliver = only(&spans, "deliver");
    assert_eq!(deliver.text("parentSpanId"), store.text("spanId"));
}

#[tokio::test]
async fn a_post_is_one_trace_with_all_its_receivers() {
    let collector = Collector::start().await;
    let server = server(&collector);
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let mut others = Vec::new();
    for name in ["bob", "cas"] {
        let mut session = server.session(name).await;
        session.join("den").await;
        others.push(session);
    }
    let posted = ann.post("den", SECRET).await;
    let seq = posted["seq"].as_u64().expect("a position");
    for session in &mut others {
        session.up_to("den", seq).await;
    }
    let spans = collector.trace(&trace_of(&posted), 5).await;
    stand_under_acceptance(&spans);
    let accept = only(&spans, "accept");
    assert_eq!(accept.attribute("bridge.from"), Some("ann"));
    assert_eq!(accept.attribute("bridge.room"), Some("den"));
    assert_eq!(accept.attribute("bridge.channel"), Some("main"));
    let store = only(&spans, "store");
    assert_eq!(store.attribute("bridge.stream"), Some("room:den"));
    assert_eq!(store.attribute("bridge.seq"), Some(&*seq.to_string()));
    let delivered = named(&spans, "deliver");
    let receivers: BTreeSet<_> = delivered
        .iter()
        .filter_map(|span| span.attribute("bridge.receiver"))
        .collect();
    assert_eq!(receivers, ["ann", "bob", "cas"].into(), "{spans:?}");
    for span in delivered {
        assert_eq!(span.attribute("bridge.receivers"), Some("3"));
    }
    has_no_text(&collector);
}

/// A room of twenty: not each of them has a span.
#[tokio::test]
async fn a_large_room_costs_a_few_spans() {
    let collector = Collector::start().await;
    let server = server(&collector);
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "hall"})).await;
    let mut others = Vec::new();
    for number in 0..19 {
        let mut session = server.session(&format!("member-{number}")).await;
        session.join("hall").await;
        others.push(session);
    }
    let posted = ann.post("hall", SECRET).await;
    let seq = posted["seq"].as_u64().expect("a position");
    for session in &mut others {
        session.up_to("hall", seq).await;
    }
    stop(server).await;
    let spans = collector.spans_of(&trace_of(&posted));
    let delivered = named(&spans, "deliver");
    assert_eq!(delivered.len(), 16, "{spans:?}");
    assert_eq!(delivered[0].attribute("bridge.receivers"), Some("20"));
}

#[tokio::test]
async fn only_a_part_of_the_messages_may_be_followed() {
    let collector = Collector::start().await;
    let endpoint = format!("http://{}", collector.addr);
    let server = TestServer::with(&settings(&endpoint, "0.5"));
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let mut traces = Vec::new();
    for _ in 0..60 {
        traces.push(trace_of(&ann.post("den", SECRET).await));
    }
    ann.close().await;
    stop(server).await;
    let sizes: Vec<usize> = traces
        .iter()
        .map(|trace| collector.spans_of(trace).len())
        .collect();
    // Each has all of its spans, or none.
    assert!(sizes.iter().all(|size| [0, 3].contains(size)), "{sizes:?}");
    let followed = sizes.iter().filter(|size| **size == 3).count();
    assert!((5..=55).contains(&followed), "{sizes:?}");
}

/// What is on its way when the server stops is still taken.
#[tokio::test]
async fn the_last_spans_come_too() {
    let collector = Collector::start().await;
    let server = server(&collector);
    let message = json!({"to": "ann", "text": SECRET});
    let rest = server.rest("ann");
    let sent = rest.post("/v1/messages", &message).await.ok(201);
    stop(server).await;
    let spans = collector.spans_of(&trace_of(&sent));
    assert_eq!(spans.len(), 2, "{spans:?}");
}

async fn dropped(server: &TestServer) -> Option<f64> {
    let text = Rest::new(server.addr, None).get("/metrics").await.text;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("bridge_spans_dropped_total "))?;
    Some(line.parse().expect("a number"))
}

async fn everything_works(server: &TestServer) {
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    for _ in 0..20 {
        ann.post("den", SECRET).await;
    }
    let message = json!({"to": "ann", "text": SECRET});
    let rest = server.rest("ann");
    rest.post("/v1/messages", &message).await.ok(201);
    ann.until(|frame| frame["type"] == "message").await;
    ann.close().await;
}

/// Nobody listens where the spans should go.
#[tokio::test]
async fn without_a_collector_spans_are_dropped_and_counted() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = gone.local_addr().expect("its address");
    drop(gone);
    let mut server = TestServer::with(&settings(&format!("http://{addr}"), "1.0"));
    everything_works(&server).await;
    let counting = async { while dropped(&server).await.is_none_or(|spans| spans == 0.0) {} };
    within("spans to be dropped", counting).await;
    server.stop().expect("it ends well");
}

/// A collector that takes connections, and never answers, holds up nothing; not even the end.
#[tokio::test]
async fn a_collector_that_hangs_holds_up_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = silent.local_addr().expect("its address");
    let mut server = TestServer::with(&settings(&format!("http://{addr}"), "1.0"));
    everything_works(&server).await;
    assert_eq!(dropped(&server).await, Some(0.0), "none is given up yet");
    server.stop().expect("it ends well");
}

#[tokio::test]
async fn nothing_is_followed_unless_somebody_wants_it() {
    let server = TestServer::start();
    everything_works(&server).await;
    assert_eq!(dropped(&server).await, None);
}
