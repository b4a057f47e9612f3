use bridge_core::message::{AckStage, Body, Recipients};

use super::*;
use crate::client::error::Exit;
use crate::client::tests::scripted::{
    Act, Connection, EPOCH, Scripted, bye, event, message, message_id, rejected, stored, welcome,
};

/// A session that has said hello, in the room `r` after the event 3.
async fn open(acts: Vec<Act>) -> (Scripted, Session) {
    let resumed = json!({ "r": { "from": 3, "to": 3, "complete": true } });
    let mut all = vec![welcome(EPOCH, resumed)];
    all.extend(acts);
    let mut server = Scripted::start(vec![Connection::Socket(all)]).await;
    let client = "ann".parse().expect("a name");
    let token = Token::from("a.b.c".to_owned());
    let mut session = Session::connect(&server.address, &client, &token)
        .await
        .expect("a session");
    session.hello(None, Mail::Taken).await.expect("a welcome");
    server.heard().await;
    (server, session)
}

fn post(text: &str) -> NewPost {
    NewPost {
        text: text.to_owned(),
        ..NewPost::default()
    }
}

async fn next_seq(session: &mut Session) -> Option<u64> {
    match session.next().await {
        Ok(Some(ServerFrame::Event(event))) => Some(event.seq.get()),
        _ => None,
    }
}

#[tokio::test]
async fn an_answer_is_also_one_of_the_rooms_events() {
    let acts = vec![
        Act::Say(event(4)),
        Act::Answer(event(5)),
        Act::Say(event(6)),
        Act::Idle,
    ];
    let (mut server, mut session) = open(acts).await;
    let room = "r".parse().expect("a name");
    let answer = session.post(&room, &post("hi")).await.expect("an answer");
    assert_eq!(answer.seq.get(), 5);
    for seq in 4..=6 {
        assert_eq!(next_seq(&mut session).await, Some(seq));
    }
    let request = server.heard().await;
    assert_eq!(
        (&request["type"], &request["text"]),
        (&json!("post"), &json!("hi"))
    );
    assert!(
        request["key"].is_string() && request["ref"].is_string(),
        "{request}"
    );
}

#[tokio::test]
async fn an_answer_to_a_repeat_is_no_news() {
    let mut known = event(2);
    known["duplicate"] = json!(true);
    let (_server, mut session) = open(vec![Act::Answer(known), Act::Say(event(4))]).await;
    let room = "r".parse().expect("a name");
    let answer = session.post(&room, &post("hi")).await.expect("an answer");
    assert!(answer.duplicate);
    assert_eq!(next_seq(&mut session).await, Some(4));
}

#[tokio::test]
async fn what_passes_is_repeated_with_the_same_key() {
    let acts = vec![
        Act::Answer(rejected(1601, true)),
        Act::Answer(rejected(1603, true)),
        Act::Answer(event(4)),
    ];
    let (mut server, mut session) = open(acts).await;
    let room = "r".parse().expect("a name");
    session
        .post(&room, &post("hi"))
        .await
        .expect("the third answer");
    let first = server.heard().await;
    for _ in 0..2 {
        let again = server.heard().await;
        assert_eq!(again["key"], first["key"]);
        assert_ne!(again["ref"], first["ref"]);
    }
}

#[tokio::test]
async fn a_refusal_is_an_error_and_the_session_lives() {
    let pong = json!({ "type": "pong", "at": "now" });
    let acts = vec![
        Act::Answer(rejected(1201, false)),
        Act::Answer(pong),
        Act::Idle,
    ];
    let (_server, mut session) = open(acts).await;
    let room = "r".parse().expect("a name");
    let why = session
        .post(&room, &post("hi"))
        .await
        .expect_err("a refusal");
    assert_eq!(why.exit(), Exit::Refused);
    assert_eq!(session.ping().await.expect("a pong"), "now");
    session.close().await;
}

#[tokio::test]
async fn last_words_are_heard() {
    let (_server, mut session) = open(vec![bye(4500)]).await;
    let why = session.next().await.expect_err("the end");
    assert_eq!(why.exit(), Exit::Unauthorized);
    let (_server, mut session) = open(vec![bye(1000)]).await;
    assert!(matches!(session.next().await, Ok(None)));
    let (_server, mut session) = open(Vec::new()).await;
    assert!(matches!(session.next().await, Err(ClientError::Lost(_))));
}

/// The heartbeat of this server is a second, so three without a word are the end.
#[tokio::test]
async fn a_server_without_a_sign_of_life_is_gone() {
    let (_server, mut session) = open(vec![Act::Idle]).await;
    assert!(matches!(
        session.next().await,
        Err(ClientError::TimedOut { .. })
    ));
}

#[tokio::test]
async fn what_is_stored_is_an_answer_and_a_message_is_none() {
    let receipt = json!({
        "type": "receipt", "id": message_id(7), "stage": "delivered", "by": "bob", "at": "x",
    });
    let acts = vec![
        Act::Say(message(3, "ann", 1)),
        Act::Answer(stored(7)),
        Act::Say(receipt),
        Act::Answer(stored(3)),
        Act::Idle,
    ];
    let (mut server, mut session) = open(acts).await;
    let to = "bob".parse().expect("a name");
    let text = Body::Text("hi".parse().expect("a text"));
    let new = NewMessage::new(Recipients::one(to), text);
    let answer = session.send_message(&new).await.expect("an answer");
    assert_eq!(answer.id.to_string(), message_id(7));
    let Ok(Some(ServerFrame::Message(came))) = session.next().await else {
        panic!("what came before the answer is kept");
    };
    let ack = session.acknowledge(came.id, AckStage::Done, None);
    assert_eq!(ack.await.expect("an answer").id, came.id);
    let next = session.next().await;
    assert!(
        matches!(next, Ok(Some(ServerFrame::Receipt(_)))),
        "{next:?}"
    );
    let (sent, ack) = (server.heard().await, server.heard().await);
    assert_eq!(
        (&sent["type"], &sent["to"]),
        (&json!("send"), &json!("bob"))
    );
    assert_eq!(
        (&ack["type"], &ack["stage"]),
        (&json!("ack"), &json!("done"))
    );
    for frame in [sent, ack] {
        assert!(
            frame["key"].is_string() && frame["ref"].is_string(),
            "{frame}"
        );
    }
}
