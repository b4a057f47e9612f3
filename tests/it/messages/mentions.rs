//! Who is mentioned in a room and is not there finds a notice.

use serde_json::{Value, json};

use super::mail::{list, say, take, texts, until, waiting};
use crate::support::{TestServer, Ws};

/// Ann's room, in which she is; bob and eve are members and away, cem is there, dan was removed.
async fn den(server: &TestServer) -> (Ws, Ws) {
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "Den"})).await;
    for client in ["bob", "dan", "eve"] {
        let me = "/v1/rooms/den/members/me";
        server.rest(client).put(me, &json!({})).await.ok(200);
    }
    let mut cem = server.session("cem").await;
    cem.join("den").await;
    ann.done(json!({"type": "remove", "room": "den", "client": "dan"}))
        .await;
    (ann, cem)
}

async fn notices(server: &TestServer, client: &str) -> Vec<Value> {
    let waits = waiting(&server.rest(client)).await;
    waits
        .into_iter()
        .filter(|message| message["kind"] == "notice")
        .collect()
}

#[tokio::test]
async fn an_absent_member_finds_a_notice_once() {
    let server = TestServer::start();
    let (mut ann, mut cem) = den(&server).await;
    let text = "@ann @bob @cem @dan @eve @stranger and @bob again";
    let posted = ann.post("den", text).await;
    let mut found = Vec::new();
    for client in ["bob", "eve"] {
        let notice = until("a notice", async || notices(&server, client).await.pop()).await;
        found.push(notice);
    }
    let notice = &found[0];
    let said = ["from", "to", "kind", "priority"].map(|field| notice[field].clone());
    assert_eq!(
        said,
        [json!("system"), json!("bob"), json!("notice"), json!(1)]
    );
    let place = json!({
        "event": "mention", "room": "Den", "channel": "main", "seq": posted["seq"],
        "message": posted["id"], "by": "ann",
    });
    assert_eq!(notice["metadata"], place);
    let words = notice["text"].as_str().expect("a text");
    assert!(words.contains("ann") && words.contains("Den"), "{words}");
    assert!(
        !words.contains("again"),
        "what was said stays in the room: {words}"
    );
    // What follows from this post has followed when the next one's notice is there.
    ann.post("den", "@eve").await;
    until("the second notice", async || {
        (notices(&server, "eve").await.len() == 2).then_some(())
    })
    .await;
    for (client, count) in [("ann", 0), ("bob", 1), ("cem", 0), ("dan", 0), ("eve", 2)] {
        assert_eq!(notices(&server, client).await.len(), count, "{client}");
    }
    for session in [&mut ann, &mut cem] {
        let told = session.settled().await;
        assert!(
            told.iter().all(|frame| frame["type"] == "event"),
            "{told:?}"
        );
    }
    drop((ann, cem));
    let server = server.restart();
    let mut ann = server.session("ann").await;
    ann.post("den", "@eve").await;
    until("the third notice", async || {
        (notices(&server, "eve").await.len() == 3).then_some(())
    })
    .await;
    assert_eq!(notices(&server, "bob").await.len(), 1);
}

/// A notice is a message: it is handed over, confirmed, and nobody hears of it.
#[tokio::test]
async fn a_notice_is_taken_like_a_message() {
    let server = TestServer::start();
    let (mut ann, _cem) = den(&server).await;
    ann.post("den", "@bob").await;
    let page = take(&server.rest("bob"), "wait=15").await;
    let items = list(&page["items"]);
    assert_eq!((items.len(), &items[0]["kind"]), (1, &json!("notice")));
    let id = super::mail::id_of(&items[0]);
    let mut bob = server.session("bob").await;
    super::mail::ack(&mut bob, &id, "done").await;
    // It has no sender that could read what became of it.
    let path = format!("/v1/messages/{id}");
    let shown = server.rest("bob").get(&path).await.ok(200);
    assert_eq!(shown["recipients"][0]["stage"], "done");
    server
        .rest("ann")
        .get(&path)
        .await
        .error(404, "message_not_found", 1302);
    // Now that he is there, he needs no notice.
    ann.post("den", "@bob").await;
    bob.event("posted").await;
    say(&server.rest("ann"), "bob", "marker").await;
    let told = json!([bob.expect("message").await]);
    assert_eq!(texts(&told), ["marker"]);
}
