use serde_json::{Value, json};

use super::*;
use crate::client::error::Exit;
use crate::client::link::FIRST_TRIES_MAX;
use crate::client::tests::scripted::{
    Act, Connection, EPOCH, OTHER_EPOCH, Scripted, bye, error, event, welcome,
};

fn follow(server: &Scripted, since: u64) -> Follow {
    let client = "ann".parse().expect("a name");
    let room = "r".parse().expect("a name");
    let cursors = HashMap::from([(room, Seq::new(since))]);
    let token = Token::from("a.b.c".to_owned());
    Follow::new(&server.address, &client, &token, cursors, None)
}

/// What happens, in short; it ends with an error.
async fn story(mut follow: Follow) -> (Vec<String>, ClientError) {
    let mut told = Vec::new();
    loop {
        match follow.next().await {
            Ok(Followed::Event(event)) => told.push(event.seq.to_string()),
            Ok(Followed::CaughtUp) => told.push("caught up".to_owned()),
            Ok(Followed::Resumed { resumed, .. }) => {
                told.push(format!(
                    "from {} complete {}",
                    resumed.from, resumed.complete
                ));
            }
            Ok(Followed::Disconnected { .. }) => told.push("disconnected".to_owned()),
            Err(why) => return (told, why),
        }
    }
}

fn resumed(from: u64, to: u64, complete: bool) -> Value {
    json!({ "r": { "from": from, "to": to, "complete": complete }, "other": {
        "from": 7, "to": 7, "complete": true
    } })
}

/// A server on which everything goes wrong that can.
fn losses() -> Vec<Connection> {
    let elsewhere = json!({"type": "event", "room": "other", "seq": 8, "at": "x", "by": "bob",
        "kind": "posted"});
    let say = |seq| Act::Say(event(seq));
    vec![
        // Cut.
        Connection::Socket(vec![
            welcome(EPOCH, resumed(3, 5, true)),
            say(4),
            Act::Say(elsewhere),
            say(5),
            say(6),
        ]),
        // Told to come back, after a repeat.
        Connection::Socket(vec![
            welcome(EPOCH, resumed(6, 8, true)),
            say(6),
            say(7),
            say(8),
            bye(4001),
        ]),
        // Another life of the log, and then a gap.
        Connection::Socket(vec![
            welcome(OTHER_EPOCH, resumed(20, 20, false)),
            say(21),
            say(23),
            Act::Idle,
        ]),
        // Refused for a moment, and then for good.
        Connection::Http(503, error(1606, true)),
        Connection::Socket(vec![
            welcome(OTHER_EPOCH, resumed(21, 23, true)),
            say(22),
            bye(4503),
        ]),
    ]
}

#[tokio::test]
async fn every_event_once_over_every_kind_of_loss() {
    let mut server = Scripted::start(losses()).await;
    let (told, why) = story(follow(&server, 3)).await;
    let expected = [
        "from 3 complete true",
        "4",
        "5",
        "caught up",
        "6",
        "disconnected",
        "from 6 complete true",
        "7",
        "8",
        "caught up",
        "disconnected",
        "from 20 complete false",
        "caught up",
        "21",
        "disconnected",
        "disconnected",
        "from 21 complete true",
        "22",
    ];
    assert_eq!(told, expected);
    assert_eq!(why.exit(), Exit::Refused);
    let claims = [
        (json!(null), 3),
        (json!(EPOCH), 6),
        (json!(EPOCH), 8),
        (json!("http"), 0),
        (json!(OTHER_EPOCH), 21),
    ];
    for (epoch, seq) in claims {
        let heard = server.heard().await;
        if epoch == "http" {
            continue;
        }
        assert_eq!(
            heard["resume"],
            json!({ "epoch": epoch, "rooms": { "r": seq } })
        );
        assert_eq!(heard["messages"], false, "who watches rooms takes no mail");
    }
}

#[tokio::test]
async fn a_room_of_others_is_not_followed() {
    let other = json!({ "other": { "from": 1, "to": 1, "complete": true } });
    // The second is what the server says of a room that the client has been taken out of.
    for resumed in [other, resumed(3, 3, false)] {
        let script = vec![Connection::Socket(vec![welcome(EPOCH, resumed)])];
        let server = Scripted::start(script).await;
        let (told, why) = story(follow(&server, 3)).await;
        assert!(told.is_empty());
        assert_eq!(why.refused_as(), Some("not_a_member"));
    }
}

#[tokio::test]
async fn a_cursor_ahead_of_the_log_moves_back() {
    let acts = vec![welcome(EPOCH, resumed(2, 2, false)), bye(4503)];
    let server = Scripted::start(vec![Connection::Socket(acts)]).await;
    let (told, _) = story(follow(&server, 3)).await;
    assert_eq!(told, ["from 2 complete false", "caught up"]);
}

#[tokio::test]
async fn a_bad_token_is_not_tried_again() {
    let server = Scripted::start(vec![Connection::Http(401, error(1100, false))]).await;
    let (told, why) = story(follow(&server, 0)).await;
    assert!(told.is_empty());
    assert_eq!(why.exit(), Exit::Unauthorized);
    assert_eq!(why.to_string(), "a sentence (1100 word)");
}

#[tokio::test]
async fn a_server_that_was_never_there_is_given_up() {
    let server = Scripted::start(Vec::new()).await;
    let (told, why) = story(follow(&server, 0)).await;
    assert_eq!(told, ["disconnected"; FIRST_TRIES_MAX as usize]);
    assert_eq!(why.exit(), Exit::Unreachable);
}
