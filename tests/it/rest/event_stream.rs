//! The room's log as server-sent events.

use std::time::Duration;

use agent_bridge::system::Stopwatch;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::tokens::{USUAL_SCOPES, mint};
use crate::support::wait::for_a_while;
use crate::support::{Rest, Sse, TestServer, within};

const PATH: &str = "/v1/rooms/den/events";
/// The server gives requests ten seconds to end, and looks every second whether they have.
const QUICKLY: Duration = Duration::from_secs(6);

/// Makes the room, whose creator and first member is ann.
async fn den(server: &TestServer) -> Rest {
    let rest = server.rest("ann");
    rest.post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    rest
}

async fn join(rest: &Rest) {
    rest.put("/v1/rooms/den/members/me", &json!({}))
        .await
        .ok(200);
}

async fn post(rest: &Rest, text: &str) -> Value {
    rest.post("/v1/rooms/den/messages", &json!({"text": text}))
        .await
        .ok(201)
}

/// How many streams the server says are open.
async fn open(server: &TestServer) -> Value {
    let admin = server.rest_with("root", "admin");
    admin.get("/v1/admin/stats").await.ok(200)["event_streams"].clone()
}

async fn until_open(server: &TestServer, streams: u64) {
    let counted = async {
        while open(server).await != streams {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("{streams} streams"), counted).await;
}

#[tokio::test]
async fn a_stream_begins_with_the_log_and_goes_on_with_what_happens() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let mut stream = Sse::open(&rest, PATH, None).await;
    let resumed = stream.expect("resumed").await;
    let epoch = resumed.data["epoch"].as_str().expect("an epoch").to_owned();
    let promise = json!({
        "type": "resumed", "room": "den", "epoch": epoch, "from": 0, "to": 2, "complete": true,
    });
    assert_eq!(resumed.data, promise);
    assert_eq!(resumed.id, Some(format!("{epoch}:0")));
    assert_eq!(stream.events(2).await, rest.events("den", 0).await);
    for number in 3..10 {
        // What was told and what was answered are the same.
        let posted = post(&rest, "good morning\nis anybody here?").await;
        let told = stream.expect("event").await;
        assert_eq!(told.data, posted);
        assert_eq!(told.id, Some(format!("{epoch}:{number}")));
    }
    assert_eq!(open(&server).await, 1);
}

#[tokio::test]
async fn a_reader_goes_on_exactly_where_it_was() {
    let server = TestServer::start();
    let rest = den(&server).await;
    for number in 0..10 {
        post(&rest, &format!("{number}")).await;
    }
    let mut stream = Sse::open(&rest, PATH, None).await;
    let epoch = stream.expect("resumed").await.data["epoch"].clone();
    let epoch = epoch.as_str().expect("an epoch");
    stream.events(4).await;
    let last = stream.expect("event").await.id.expect("an id");
    assert_eq!(last, format!("{epoch}:5"));
    drop(stream);
    let foreign = "ep_01890000000070008000000000000000";
    for (path, last) in [
        (PATH.to_owned(), Some(last.as_str())),
        // The header is newer than the address, and wins.
        (format!("{PATH}?after=1&epoch={foreign}"), Some(&last)),
        (format!("{PATH}?after=5&epoch={epoch}"), None),
        // What is for the JSON form is not for this one.
        (format!("{PATH}?after=5&limit=0&wait=1000"), None),
    ] {
        let mut stream = Sse::open(&rest, &path, last).await;
        let resumed = stream.expect("resumed").await;
        assert_eq!(resumed.id, Some(format!("{epoch}:5")), "{path}");
        assert_eq!(resumed.data["complete"], true);
        assert_eq!(stream.events(7).await, rest.events("den", 5).await);
    }
    // Whoever has read everything is told what comes next.
    let end = format!("{epoch}:12");
    let mut stream = Sse::open(&rest, PATH, Some(&end)).await;
    assert_eq!(stream.expect("resumed").await.id, Some(end));
    let posted = post(&rest, "news").await;
    assert_eq!(stream.events(1).await, [posted]);
}

#[tokio::test]
async fn a_cursor_of_another_log_is_told_so_before_anything_else() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let page = rest.get(PATH).await.ok(200);
    let epoch = page["epoch"].as_str().expect("an epoch");
    let foreign = "ep_01890000000070008000000000000000:1";
    for last in [foreign, &format!("{epoch}:99")] {
        let mut stream = Sse::open(&rest, PATH, Some(last)).await;
        let resumed = stream.expect("resumed").await;
        assert_eq!(resumed.data["complete"], false, "{resumed:?}");
        let head = rest.head("den").await;
        assert_eq!(
            (&resumed.data["from"], &resumed.data["to"]),
            (&json!(head), &json!(head))
        );
        // From here it can be resumed.
        assert_eq!(resumed.id, Some(format!("{epoch}:{head}")));
        let posted = post(&rest, "news").await;
        assert_eq!(stream.events(1).await, [posted]);
    }
}

#[tokio::test]
async fn a_reader_that_is_far_behind_gets_everything_once() {
    const MISSED: u64 = 1_300;
    const MEANWHILE: u64 = 200;
    let server = TestServer::start();
    let rest = den(&server).await;
    let mut ann = server.session("ann").await;
    for number in 0..MISSED {
        ann.send(json!({"type": "post", "room": "den", "text": format!("{number}")}))
            .await;
    }
    ann.up_to("den", 2 + MISSED).await;
    let head = 2 + MISSED + MEANWHILE;
    let read = async {
        let mut stream = Sse::open(&rest, PATH, None).await;
        assert_eq!(stream.expect("resumed").await.data["complete"], true);
        let count = usize::try_from(head).expect("a small number");
        stream.events(count).await
    };
    let write = async {
        for number in 0..MEANWHILE {
            ann.post("den", &format!("meanwhile {number}")).await;
        }
    };
    let (told, ()) = tokio::join!(read, write);
    assert_eq!(told, rest.events("den", 0).await);
}

#[tokio::test]
async fn what_is_refused_is_refused_before_the_stream_begins() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let private = json!({"room": "attic", "policy": {"visibility": "private"}});
    rest.post("/v1/rooms", &private).await.ok(201);
    let bob = server.rest("bob");
    Sse::refused(&bob, PATH, None)
        .await
        .error(403, "not_a_member", 1201);
    for room in ["attic", "nowhere"] {
        let path = format!("/v1/rooms/{room}/events");
        let reply = Sse::refused(&bob, &path, None).await;
        reply.error(404, "room_not_found", 1200);
    }
    let nobody = Rest::new(server.addr, None);
    Sse::refused(&nobody, PATH, None)
        .await
        .error(401, "unauthorized", 1100);
    let elsewhere = server.rest_with("ann", "room:attic");
    Sse::refused(&elsewhere, PATH, None)
        .await
        .error(403, "scope_missing", 1102);
    let reply = Sse::refused(&rest, &format!("{PATH}?after=first"), None).await;
    let error = reply.error(400, "invalid_field", 1003);
    assert_eq!(error["details"]["field"], "after");
    assert_eq!(open(&server).await, 0);
}

#[tokio::test]
async fn an_id_that_is_none_is_refused() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let epoch = "ep_01890000000070008000000000000000";
    let bad = [
        "",
        "3",
        "yesterday",
        ":3",
        epoch,
        &format!("{epoch}:"),
        &format!("{epoch}:-1"),
        &format!("{epoch}:+1"),
        &format!("{epoch}:three"),
        &format!("{epoch}:1:2"),
        &format!("{epoch}:99999999999999999999"),
        "é:1",
    ];
    for id in bad {
        let reply = Sse::refused(&rest, PATH, Some(id)).await;
        let error = reply.error(400, "invalid_field", 1003);
        assert_eq!(error["details"]["field"], "Last-Event-ID", "{id:?}");
    }
}

#[tokio::test]
async fn a_stream_ends_for_whoever_is_no_longer_a_member() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let (bob, cem) = (server.rest("bob"), server.rest("cem"));
    join(&bob).await;
    join(&cem).await;
    let mut of_bob = Sse::open(&bob, PATH, None).await;
    let mut of_cem = Sse::open(&cem, PATH, None).await;
    of_bob.expect("resumed").await;
    of_bob.events(4).await;
    rest.delete("/v1/rooms/den/members/bob").await.ok(200);
    cem.delete("/v1/rooms/den/members/me").await.ok(200);
    post(&rest, "not for them").await;
    let told = of_bob.next().await.expect("last words");
    assert_eq!(
        (told.name.as_str(), &told.data["code"]),
        ("bye", &json!(1201))
    );
    assert_eq!(told.data["reconnect"], false);
    assert!(of_bob.next().await.is_none());
    of_cem.bye(1201).await;
    until_open(&server, 0).await;
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_is_alive_and_ends_with_its_token() {
    let server = TestServer::with("[sessions]\nheartbeat_seconds = 1\n");
    den(&server).await;
    let three = Duration::from_secs(3);
    let token = mint(&server.tokens, "ann", USUAL_SCOPES, three, Duration::ZERO);
    let since = Stopwatch::start();
    let mut stream = Sse::open(&Rest::new(server.addr, Some(token)), PATH, None).await;
    let bye = stream.bye(4500).await;
    assert_eq!(bye.data["reconnect"], false);
    assert!(stream.heartbeats > 0, "it was quiet for seconds");
    let took = since.elapsed();
    assert!(took < 2 * three, "{took:?}");
    until_open(&server, 0).await;
}

#[tokio::test]
async fn streams_end_at_once_when_the_server_stops() {
    let mut server = TestServer::start();
    let rest = den(&server).await;
    // Several, so that the thread on which the room lives has one of them.
    let open = || async {
        let mut stream = Sse::open(&rest, PATH, None).await;
        stream.expect("resumed").await;
        stream.events(2).await;
        stream
    };
    let mut streams = join_all((0..8).map(|_| open())).await;
    let since = Stopwatch::start();
    let stop = tokio::task::spawn_blocking(move || server.stop());
    let byes = join_all(streams.iter_mut().map(|stream| stream.bye(4001)));
    let (stopped, byes) = tokio::join!(stop, byes);
    stopped.expect("no panic").expect("an orderly end");
    let took = since.elapsed();
    assert!(took < QUICKLY, "{took:?}");
    for bye in byes {
        assert_eq!(bye.data["reconnect"], true);
    }
}

#[tokio::test]
async fn there_are_so_many_streams_and_no_more() {
    let settings = "[sessions]\nevent_streams = 2\nheartbeat_seconds = 1\n";
    let server = TestServer::with(settings);
    let rest = den(&server).await;
    let first = Sse::open(&rest, PATH, None).await;
    let mut second = Sse::open(&rest, PATH, None).await;
    let reply = Sse::refused(&rest, PATH, None).await;
    let error = reply.error(503, "server_full", 1606);
    assert_eq!(error["temporary"], true);
    assert!(reply.headers.contains_key("retry-after"));
    // A page is no stream.
    rest.get(PATH).await.ok(200);
    // A reader that just goes is noticed when it is next told something.
    drop(first);
    until_open(&server, 1).await;
    let mut third = Sse::open(&rest, PATH, None).await;
    for stream in [&mut second, &mut third] {
        stream.expect("resumed").await;
        stream.events(2).await;
    }
}

/// A request for a stream over a socket that takes little, and whose answer nobody reads.
async fn unread(server: &TestServer) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let small = 4 * 1024;
    socket.set_recv_buffer_size(small).expect("a small buffer");
    let stream = socket.connect(server.addr).await;
    let stream = stream.expect("the server listens");
    let request = format!(
        "GET {PATH} HTTP/1.1\r\nhost: den\r\naccept: text/event-stream\r\n\
         authorization: Bearer {}\r\n\r\n",
        server.token("ann")
    );
    stream.writable().await.expect("a connection");
    let written = stream.try_write(request.as_bytes()).expect("it is small");
    assert_eq!(written, request.len());
    stream
}

/// It cannot be told goodbye, so it is cut off.
#[tokio::test]
async fn a_reader_that_does_not_read_does_not_hold_up_a_stop() {
    let mut server = TestServer::start();
    let rest = den(&server).await;
    let large = json!({"text": "x", "metadata": {"filler": "x".repeat(200 * 1024)}});
    for _ in 0..40 {
        let posted = rest.post("/v1/rooms/den/messages", &large).await;
        posted.ok(201);
    }
    let _stream = unread(&server).await;
    until_open(&server, 1).await;
    // Until the socket is full. Nothing tells when that is.
    for_a_while(Duration::from_secs(1)).await;
    let since = Stopwatch::start();
    let stop = tokio::task::spawn_blocking(move || server.stop());
    stop.await.expect("no panic").expect("an orderly end");
    let took = since.elapsed();
    // Five seconds to say goodbye, and one until the server looks again.
    assert!(took < Duration::from_secs(9), "{took:?}");
}
