//! A server that stops while people talk, some of whom do not listen.

use std::time::Duration;

use agent_bridge::system::Stopwatch;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_tungstenite::client_async;

use super::{PROTOCOL, upgrade_over_http};
use crate::support::binary::folder;
use crate::support::raw::Raw;
use crate::support::ws::{Came, usual};
use crate::support::{Binary, Rest, Sse, TestServer, Ws, within};

/// However many do not listen.
const IN_TIME: Duration = Duration::from_secs(10);
/// With nothing that holds it up.
const AT_ONCE: Duration = Duration::from_secs(4);

async fn sessions(server: &TestServer, kind: &str, count: usize) -> Vec<Ws> {
    let mut opened = Vec::new();
    for number in 0..count {
        opened.push(server.session(&format!("{kind}-{number}")).await);
    }
    opened
}

/// Sessions whose sockets are full, because they do not read.
async fn stuck(server: &TestServer, count: usize) -> Vec<Ws> {
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "pit"})).await;
    let mut stuck = Vec::new();
    for number in 0..count {
        let client = format!("stuck-{number}");
        let Raw(stream) = Raw::narrow(server.addr).await;
        let request = usual(server.addr, &client, &server.token(&client));
        let (socket, _) = client_async(request, stream).await.expect("a session");
        let mut ws = Ws::new(&client, socket);
        ws.hello().await;
        ws.join("pit").await;
        stuck.push(ws);
    }
    let metadata = json!({"filler": "x".repeat(200 * 1024)});
    for _ in 0..8 {
        let post = json!({"type": "post", "room": "pit", "text": "x", "metadata": metadata});
        ann.done(post).await;
    }
    ann.close().await;
    stuck
}

/// Reads up to the end, and goes. When it is asked to come back.
async fn leaves(mut ws: Ws) -> u64 {
    let bye = ws.bye(4001).await;
    bye["retry_after_ms"].as_u64().expect("a time")
}

/// Reads up to the end, and stays.
async fn stays(mut ws: Ws) -> (u64, Ws) {
    let bye = ws.bye(4001).await;
    (bye["retry_after_ms"].as_u64().expect("a time"), ws)
}

/// Posts without waiting, and reads up to the end: how many were said to be stored, and were not.
async fn talks(mut ws: Ws, posts: u64) -> (u64, u64) {
    for number in 0..posts {
        let post = json!({"type": "post", "room": "den", "text": "x", "ref": number.to_string()});
        if ws.try_send(post).await.is_err() {
            break;
        }
    }
    let (mut stored, mut refused) = (0, 0);
    loop {
        match ws.came().await {
            Came::Frame(frame) if frame["type"] == "bye" => {
                assert_eq!(frame["code"], 4001);
                return (stored, refused);
            }
            Came::Frame(frame) if frame["ref"].is_string() => {
                if frame["type"] == "event" {
                    stored += 1;
                } else {
                    refused += 1;
                }
            }
            Came::Closed(code) => panic!("closed with {code:?} and without a bye"),
            _ => {}
        }
    }
}

fn assert_spread(mut times: Vec<u64>) {
    times.sort_unstable();
    assert!(
        times[0] >= 500 && times[times.len() - 1] <= 5_000,
        "{times:?}"
    );
    // Drawn from 4,500 values, so a quarter of them are in each quarter, or nearly.
    for quarter in 0..4 {
        let from = 500 + quarter * 1_125;
        let within = times.iter().filter(|at| (from..from + 1_125).contains(*at));
        let share = within.count() * 100 / times.len();
        assert!(
            (8..=45).contains(&share),
            "{share} % from {from}: {times:?}"
        );
    }
}

#[tokio::test]
async fn hundreds_are_told_to_come_back_at_different_times_and_nobody_holds_it_up() {
    let mut server = TestServer::start();
    let going = sessions(&server, "going", 150).await;
    let staying = sessions(&server, "staying", 50).await;
    let stuck = stuck(&server, 60).await;
    let mut talking = sessions(&server, "talking", 10).await;
    talking[0].create(json!({"room": "den"})).await;
    for ws in &mut talking[1..] {
        ws.join("den").await;
    }
    let before = server.rest("talking-0").head("den").await;
    let since = Stopwatch::start();
    let stopping = tokio::task::spawn_blocking(move || (server.stop(), server));
    let going = join_all(going.into_iter().map(leaves));
    let staying = join_all(staying.into_iter().map(stays));
    let talking = join_all(talking.into_iter().map(|ws| talks(ws, 400)));
    let (stopped, mut times, stayed, talked) = tokio::join!(stopping, going, staying, talking);
    let (outcome, server) = stopped.expect("no panic");
    outcome.expect("an orderly end");
    let took = since.elapsed();
    assert!(took < IN_TIME, "{took:?}");
    times.extend(stayed.iter().map(|(time, _)| *time));
    assert_spread(times);
    drop(stuck);
    // What was taken was answered, and what was said to be stored is.
    let stored: u64 = talked.iter().map(|(stored, _)| stored).sum();
    let refused: u64 = talked.iter().map(|(_, refused)| refused).sum();
    assert_eq!(refused, 0, "nothing was wrong with any of it");
    let server = server.restart();
    assert_eq!(server.rest("talking-0").head("den").await, before + stored);
}

#[tokio::test]
async fn a_server_that_stops_says_so_to_whoever_comes_late() {
    let mut server = TestServer::start();
    // They keep it from ending while the others ask.
    let stuck = stuck(&server, 3).await;
    let rest = server.rest("ann");
    let mut stream = Sse::open(&rest, "/v1/rooms/pit/events", None).await;
    stream.expect("resumed").await;
    let mut witness = server.session("witness").await;
    let anybody = Rest::new(server.addr, None);
    let stopping = tokio::task::spawn_blocking(move || server.stop());
    let told = witness.bye(4001).await;
    let come_back = |told: &Value| {
        let after = told["retry_after_ms"].as_u64().expect("a time");
        assert!((500..=5_000).contains(&after), "{told}");
    };
    come_back(&told);
    come_back(&stream.bye(4001).await.data);
    let ready = anybody.get("/ready").await.ok(503);
    assert_eq!(
        (&ready["ready"], &ready["draining"]),
        (&json!(false), &json!(true))
    );
    anybody.get("/health").await.ok(200);
    let upgrade = upgrade_over_http(&rest, "/ws/ann").header(PROTOCOL, "agent-bridge.v1");
    let post = json!({"text": "too late"});
    let post = rest
        .request(reqwest::Method::POST, "/v1/rooms/pit/messages")
        .json(&post);
    for late in [
        upgrade,
        post,
        rest.request(reqwest::Method::GET, "/v1/rooms"),
    ] {
        let reply = rest.send(late).await;
        let error = reply.error(503, "draining", 1607);
        assert_eq!(error["temporary"], true);
        come_back(&error);
        assert!(reply.headers.contains_key("retry-after"));
        let connection = reply.headers.get("connection").expect("the last answer");
        assert_eq!(connection, "close");
    }
    stopping.await.expect("no panic").expect("an orderly end");
    drop(stuck);
}

#[tokio::test]
async fn nobody_there_is_nothing_to_wait_for() {
    let mut server = TestServer::start();
    server.session("ann").await.close().await;
    // It stays open after its answer, and does not hold it up either.
    let idle = Raw::connect(server.addr).await;
    idle.write(b"GET /health HTTP/1.1\r\nhost: here\r\n\r\n")
        .await;
    idle.head().await;
    let since = Stopwatch::start();
    let stopping = tokio::task::spawn_blocking(move || server.stop());
    let (stopped, rest) = tokio::join!(stopping, idle.to_the_end());
    stopped.expect("no panic").expect("an orderly end");
    assert_eq!(rest, "");
    let took = since.elapsed();
    assert!(took < AT_ONCE, "{took:?}");
}

/// A request whose body never comes would be waited for longer than a stop may take.
#[cfg(unix)]
#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let raw = unfinished(&server, 0).await;
    let since = Stopwatch::start();
    server.terminate();
    let (code, _, said) = server.ended().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("not everything was answered"), "{said}");
    let took = since.elapsed();
    assert!(took < IN_TIME, "{took:?}");
    assert_eq!(raw.to_the_end().await, "");
}

#[cfg(unix)]
#[tokio::test]
async fn being_told_twice_ends_it_at_once() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let raw = unfinished(&server, 1).await;
    let since = Stopwatch::start();
    server.terminate();
    ann.bye(4001).await;
    server.terminate();
    let (code, _, said) = server.ended().await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("told to stop twice"), "{said}");
    let took = since.elapsed();
    assert!(took < AT_ONCE, "{took:?}");
    drop(raw);
    let server = Binary::start(folder.path(), 0);
    assert_eq!(server.rest("ann").head("den").await, 2);
}

/// A request that has begun, and does not go on.
async fn unfinished(server: &Binary, others: u64) -> Raw {
    let raw = Raw::connect(server.addr).await;
    let token = server.token("ann");
    let request = format!(
        "POST /v1/rooms HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {token}\r\n\
         content-length: 100\r\n\r\n{{"
    );
    raw.write(request.as_bytes()).await;
    let admin = Rest::new(server.addr, Some(server.token_for("root", "admin")));
    let is_in = async {
        // One more is the one that asks.
        while admin.get("/v1/admin/stats").await.ok(200)["connections"] != others + 2 {
            tokio::task::yield_now().await;
        }
    };
    within("the request to be taken", is_in).await;
    raw
}
