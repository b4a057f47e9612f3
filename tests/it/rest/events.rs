//! The room's log, and waiting for it to grow.

use std::time::Duration;

use agent_bridge::system::Stopwatch;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Rest, TestServer};

async fn den(server: &TestServer) -> Rest {
    let rest = server.rest("ann");
    rest.post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    rest
}

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let server = TestServer::start();
    let rest = den(&server).await;
    for number in 0..10 {
        rest.post(
            "/v1/rooms/den/messages",
            &json!({"text": format!("{number}")}),
        )
        .await
        .ok(201);
    }
    let first = rest.get("/v1/rooms/den/events?limit=5").await.ok(200);
    assert_eq!(
        (&first["next"], &first["complete"]),
        (&json!(5), &json!(true))
    );
    assert_eq!(first["items"][0]["kind"], "room_created");
    assert_eq!(rest.events("den", 5).await.len(), 7);
    let end = rest.get("/v1/rooms/den/events?after=12").await.ok(200);
    assert_eq!((&end["items"], &end["next"]), (&json!([]), &json!(12)));
    let epoch = first["epoch"].as_str().expect("an epoch");
    let same = rest
        .get(&format!("/v1/rooms/den/events?after=11&epoch={epoch}"))
        .await
        .ok(200);
    assert_eq!(same["complete"], true);
    for foreign in [
        "after=3&epoch=ep_01890000000070008000000000000000",
        "after=99",
    ] {
        let page = rest
            .get(&format!("/v1/rooms/den/events?{foreign}"))
            .await
            .ok(200);
        assert_eq!(page["complete"], false, "{foreign}: {page}");
    }
}

#[tokio::test]
async fn a_long_poll_is_answered_by_the_next_event() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let since = Stopwatch::start();
    let post = async {
        // The poll is under way when the room's other reader has been served.
        rest.events("den", 0).await;
        rest.post("/v1/rooms/den/messages", &json!({"text": "news"}))
            .await
            .ok(201)
    };
    let (page, posted) = tokio::join!(rest.get("/v1/rooms/den/events?after=2&wait=15"), post);
    let page = page.ok(200);
    assert_eq!(page["items"], json!([posted]));
    assert!(
        since.elapsed() < Duration::from_secs(10),
        "it did not wait to its end"
    );
    // What is there already is not waited for.
    let page = rest
        .get("/v1/rooms/den/events?after=2&wait=15")
        .await
        .ok(200);
    assert_eq!(page["next"], 3);
    assert!(since.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_long_poll_without_news_ends_empty() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let since = Stopwatch::start();
    let page = rest
        .get("/v1/rooms/den/events?after=2&wait=1")
        .await
        .ok(200);
    assert_eq!((&page["items"], &page["next"]), (&json!([]), &json!(2)));
    assert_eq!(page["complete"], true);
    assert!(
        since.elapsed() >= Duration::from_millis(950),
        "{:?}",
        since.elapsed()
    );
}

#[tokio::test]
async fn a_long_poll_ends_for_whoever_is_removed() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let bob = server.rest("bob");
    bob.get("/v1/rooms/den/events?wait=15")
        .await
        .error(403, "not_a_member", 1201);
    bob.put("/v1/rooms/den/members/me", &json!({}))
        .await
        .ok(200);
    let remove = async {
        rest.events("den", 0).await;
        rest.delete("/v1/rooms/den/members/bob").await.ok(200)
    };
    let (reply, _) = tokio::join!(bob.get("/v1/rooms/den/events?after=3&wait=15"), remove);
    // It may have come a moment too late to wait at all; it is told nothing in either case.
    reply.error(403, "not_a_member", 1201);
}

#[tokio::test]
async fn long_polls_do_not_hold_up_a_stop() {
    let mut server = TestServer::start();
    let rest = den(&server).await;
    let since = Stopwatch::start();
    let stop = async {
        // The polls are under way when the room's other readers have been served.
        for _ in 0..4 {
            rest.events("den", 0).await;
        }
        tokio::task::spawn_blocking(move || server.stop()).await
    };
    // Several, so that the thread on which the room lives has one of them.
    let poll = || rest.get("/v1/rooms/den/events?after=2&wait=15");
    let (pages, stopped) = tokio::join!(join_all((0..8).map(|_| poll())), stop);
    for page in pages {
        let page = page.ok(200);
        assert_eq!((&page["items"], &page["next"]), (&json!([]), &json!(2)));
    }
    stopped.expect("no panic").expect("an orderly end");
    // The server gives requests ten seconds to end, and looks every second whether they have.
    let took = since.elapsed();
    assert!(took < Duration::from_secs(6), "{took:?}");
}
