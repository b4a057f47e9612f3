//! The commands against a server that does what a test says. What they print goes past the test.

use clap::Parser;
use serde_json::{Value, json};

use super::args::{AskArgs, InboxArgs, ListenArgs};
use super::{Context, ask, inbox, listen};
use crate::cli::connection::Connection;
use crate::cli::output::{Output, OutputArgs};
use crate::client::tests::scripted::{
    Act, Connection as Scene, EPOCH, Scripted, error, message, message_id, soon, stored,
    welcome_to_mail,
};
use crate::client::{RestClient, Token};

#[derive(Debug, Parser)]
struct Command<T: clap::Args> {
    #[command(flatten)]
    args: T,
}

fn args<T: clap::Args>(words: &[&str]) -> T {
    let words = [&["agent-bridge"], words].concat();
    let command: Command<T> = Command::try_parse_from(words).expect("good arguments");
    command.args
}

fn context(server: &Scripted) -> Context {
    let token = Token::from("a.b.c".to_owned());
    let address = server.address.clone();
    let rest = RestClient::new(&address, &token).expect("a client");
    let client = "ann".parse().expect("a name");
    let output = OutputArgs {
        json: true,
        no_color: None,
    };
    Context {
        connection: Connection {
            address,
            client,
            token,
            rest,
        },
        output: Output::new(&output),
    }
}

/// What the server heard, in short.
async fn heard(server: &mut Scripted) -> String {
    let heard = server.heard().await;
    match heard["head"].as_str().and_then(|head| head.lines().next()) {
        Some(line) => {
            let body: Value = serde_json::from_str(heard["body"].as_str().unwrap_or_default())
                .unwrap_or_default();
            let line = line.trim_end_matches(" HTTP/1.1");
            let stage = body["stage"].as_str().unwrap_or_default();
            format!("{line} {stage}").trim_end().to_owned()
        }
        None => format!("{} {} {}", heard["type"], heard["id"], heard["stage"]).replace('"', ""),
    }
}

#[tokio::test]
async fn a_listener_ends_when_its_last_acknowledgement_is_durable() {
    let mut other = message(4, "ann", 1);
    other["from"] = json!("cem");
    let mut server = Scripted::start(vec![
        Scene::Socket(vec![
            welcome_to_mail(EPOCH, 2, true),
            Act::Say(message(3, "all", 1)),
            Act::Say(other),
            // Cut before it is acknowledged.
            Act::Say(message(5, "ann", 1)),
        ]),
        Scene::Socket(vec![
            welcome_to_mail(EPOCH, 3, true),
            Act::Answer(stored(5)),
            Act::Idle,
        ]),
    ])
    .await;
    let args: ListenArgs = args(&["--from", "bob", "--count", "2", "--ack", "seen"]);
    let mut ann = context(&server);
    let listening = listen::listen(&mut ann, args);
    soon(listening).await.expect("two messages, and a goodbye");
    for expected in ["hello null null", "hello null null"] {
        assert_eq!(heard(&mut server).await, expected);
    }
    let acknowledged = format!("ack {} seen", message_id(5));
    assert_eq!(heard(&mut server).await, acknowledged);
}

#[tokio::test]
async fn an_answer_is_printed_and_then_done() {
    let (question, reply) = (message_id(1), message_id(2));
    let mut done = message(1, "bob", 1);
    let history = json!([{ "stage": "done", "at": "x", "reply": reply }]);
    done["recipients"] = json!([{ "client": "bob", "stage": "done", "history": history }]);
    // Whatever becomes of the acknowledgement, the answer was printed.
    for last in [
        Scene::Http(200, stored(2)),
        Scene::Http(409, error(1303, false)),
    ] {
        let mut server = Scripted::start(vec![
            Scene::Http(201, stored(1)),
            Scene::Http(200, done.clone()),
            Scene::Http(200, message(2, "ann", 1)),
            last,
        ])
        .await;
        let args: AskArgs = args(&["bob", "Is it done?"]);
        let asked = ask::Question::new(args).expect("a question");
        let mut ann = context(&server);
        let asking = ask::ask(&mut ann, &asked);
        soon(asking).await.expect("an answer");
        for expected in [
            "POST /v1/messages".to_owned(),
            format!("GET /v1/messages/{question}?wait=55"),
            format!("GET /v1/messages/{reply}"),
            format!("POST /v1/messages/{reply}/ack done"),
        ] {
            assert_eq!(heard(&mut server).await, expected);
        }
    }
}

#[tokio::test]
async fn what_is_shown_is_acknowledged_unless_it_is_over() {
    let page = json!({ "items": [message(1, "ann", 1), message(2, "ann", 1)], "next": null });
    let mut backwards = error(1303, false);
    backwards["error"]["code"] = json!("stage_backwards");
    let mut server = Scripted::start(vec![
        Scene::Http(200, page),
        Scene::Http(409, backwards),
        Scene::Http(200, stored(2)),
    ])
    .await;
    let args: InboxArgs = args(&["--ack", "done", "--limit", "7"]);
    let shown = inbox::inbox(&mut context(&server), &args).await;
    shown.expect("both are dealt with");
    for expected in [
        "GET /v1/mailbox?peek=true&limit=7".to_owned(),
        format!("POST /v1/messages/{}/ack done", message_id(1)),
        format!("POST /v1/messages/{}/ack done", message_id(2)),
    ] {
        assert_eq!(heard(&mut server).await, expected);
    }
}
