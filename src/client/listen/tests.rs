use serde_json::{Value, json};

use super::*;
use crate::client::error::Exit;
use crate::client::tests::scripted::{
    Act, Connection, EPOCH, OTHER_EPOCH, Scripted, bye, message, message_id, rejected, soon,
    stored, welcome, welcome_to_mail,
};

fn listen(server: &Scripted) -> Listen {
    let client = "ann".parse().expect("a name");
    Listen::new(&server.address, &client, &Token::from("a.b.c".to_owned()))
}

/// What happens, in short, when every message to `ann` is acknowledged; it ends with an error.
async fn story(mut listen: Listen) -> (Vec<String>, ClientError) {
    let mut told = Vec::new();
    let short = |id: MessageId| {
        id.to_string()
            .trim_start_matches(['m', 's', 'g', '_', '0'])
            .to_owned()
    };
    loop {
        let heard = match listen.next().await {
            Ok(heard) => heard,
            Err(why) => return (told, why),
        };
        told.push(match heard {
            Heard::Began(resumed) => {
                format!("from {} complete {}", resumed.from, resumed.complete)
            }
            Heard::Message { message, is_repeat } => {
                if message.to != Recipients::All {
                    listen.acknowledge(message.id, AckStage::Done);
                }
                let again = if is_repeat { " again" } else { "" };
                format!("{}{again}", short(message.id))
            }
            Heard::Receipt(receipt) => format!("{} is {}", short(receipt.id), receipt.stage),
            Heard::Acknowledged(id) => format!("{} done", short(id)),
            Heard::NotAcknowledged { id, .. } => format!("{} not done", short(id)),
            Heard::Disconnected { .. } => "disconnected".to_owned(),
        });
    }
}

/// A frame that the server is to have heard, by some of its fields.
fn fields<const N: usize>(frame: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| frame[name].clone())
}

#[tokio::test]
async fn every_message_once_and_every_acknowledgement_until_it_is_durable() {
    let receipt = json!({
        "type": "receipt", "id": message_id(9), "stage": "seen", "by": "bob", "at": "x",
    });
    let mut server = Scripted::start(vec![
        // Cut before the second acknowledgement is answered.
        Connection::Socket(vec![
            welcome_to_mail(EPOCH, 2, true),
            Act::Say(message(1, "ann", 1)),
            Act::Answer(stored(1)),
            Act::Say(message(3, "all", 1)),
            Act::Say(message(2, "ann", 1)),
        ]),
        // It comes again although it is acknowledged at once.
        Connection::Socket(vec![
            welcome_to_mail(EPOCH, 3, true),
            Act::Answer(stored(2)),
            Act::Say(message(2, "ann", 2)),
            Act::Answer(stored(2)),
            Act::Say(receipt),
            bye(4001),
        ]),
        // Another life of the log.
        Connection::Socket(vec![welcome_to_mail(OTHER_EPOCH, 0, false), bye(4503)]),
    ])
    .await;
    let (told, why) = soon(story(listen(&server))).await;
    let expected = [
        "from 2 complete true",
        "1",
        "1 done",
        "3",
        "2",
        "disconnected",
        "from 3 complete true",
        "2 done",
        "2 again",
        "2 done",
        "9 is seen",
        "disconnected",
        "from 0 complete false",
    ];
    assert_eq!(told, expected);
    assert_eq!(why.exit(), Exit::Refused);

    let hello = server.heard().await;
    assert_eq!(hello["messages"], Value::Null, "it takes the messages");
    assert_eq!(hello["resume"], json!({ "epoch": null, "rooms": {} }));
    let first = server.heard().await;
    assert_eq!(
        fields(&first, ["type", "id", "stage"]),
        ["ack", &message_id(1), "done"].map(Value::from)
    );
    let hello = server.heard().await;
    assert_eq!(
        hello["resume"],
        json!({ "epoch": EPOCH, "rooms": {}, "broadcast": 3 })
    );
    let (owed, again) = (server.heard().await, server.heard().await);
    assert_eq!(
        (&owed["id"], &again["id"]),
        (&json!(message_id(2)), &json!(message_id(2)))
    );
    assert_ne!(owed["key"], again["key"], "they are two acknowledgements");
    let hello = server.heard().await;
    assert_eq!(
        hello["resume"],
        json!({ "epoch": EPOCH, "rooms": {}, "broadcast": 3 })
    );
}

#[tokio::test]
async fn a_refused_acknowledgement_is_said_again_only_when_it_can_pass() {
    let mut acts = vec![
        welcome_to_mail(EPOCH, 0, true),
        Act::Say(message(1, "ann", 1)),
    ];
    // More often than a request is repeated by itself.
    acts.extend((0..6).map(|_| Act::Answer(rejected(1601, true))));
    acts.extend([
        Act::Answer(stored(1)),
        Act::Say(message(2, "ann", 1)),
        Act::Answer(rejected(1303, false)),
        bye(4503),
    ]);
    let mut server = Scripted::start(vec![Connection::Socket(acts)]).await;
    let (told, _) = soon(story(listen(&server))).await;
    let expected = [
        "from 0 complete true",
        "1",
        "1 not done",
        "1 done",
        "2",
        "2 not done",
    ];
    assert_eq!(told, expected);
    server.heard().await;
    let first = server.heard().await;
    for _ in 0..6 {
        assert_eq!(server.heard().await["key"], first["key"]);
    }
}

#[tokio::test]
async fn a_token_without_the_scope_is_noticed() {
    let acts = vec![welcome(EPOCH, json!({})), Act::Idle];
    let server = Scripted::start(vec![Connection::Socket(acts)]).await;
    let (told, why) = soon(story(listen(&server))).await;
    assert!(told.is_empty());
    assert_eq!(why.exit(), Exit::Unauthorized);
}

#[test]
fn what_is_remembered_has_a_bound() {
    let mut known = Known::default();
    let id = |n: usize| message_id(n as u64).parse::<MessageId>().expect("an id");
    for n in 0..=KNOWN_MAX {
        assert!(known.note(id(n)));
    }
    assert!(!known.note(id(1)) && !known.note(id(KNOWN_MAX)));
    assert!(known.note(id(0)), "the oldest is forgotten");
    assert_eq!((known.ids.len(), known.order.len()), (KNOWN_MAX, KNOWN_MAX));
}
