//! The server is killed while messages go to several recipients: what is with one of them comes to
//! all of them, although nobody repeats anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use bridge_core::Seq;
use bridge_core::event::{Event, Stream};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};

use super::seed;
use crate::support::binary::folder;
use crate::support::database::store_of;
use crate::support::wait::for_a_while;
use crate::support::{Binary, PATIENCE, within};

const RECIPIENTS: usize = 12;
const SENDERS: usize = 8;
/// So that everything is on one page of a mailbox.
const MESSAGES_MAX: usize = 40;
const KILLED_AFTER_MILLIS: std::ops::Range<u64> = 100..300;
/// How often the server is killed in vain before the test gives up: nothing was half done.
const TRIES: u32 = 8;

/// The ids of a message, and with whom it is under each, by its text.
type Found = BTreeMap<String, BTreeMap<String, BTreeSet<usize>>>;

#[tokio::test]
async fn a_message_to_several_comes_to_all_after_kill_9() {
    let seed = seed();
    println!("seed: {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for attempt in 1..=TRIES {
        let folder = folder();
        let server = Binary::start(folder.path(), 0);
        for number in 0..RECIPIENTS {
            let rest = server.rest(&name(number));
            rest.get("/v1/mailbox?peek=true").await.ok(200);
        }
        let after = Duration::from_millis(random.random_range(KILLED_AFTER_MILLIS));
        let lists: Vec<_> = (0..SENDERS).map(|_| some_names(&mut random)).collect();
        let acknowledged = send_until_killed(server, &lists, after).await;
        let before = in_the_log(folder.path());
        let half_done = before.values().filter(|found| !is_whole(found, &lists));
        let half_done = half_done.count();
        let server = Binary::start(folder.path(), 0);
        let found = completed(&server, &lists).await;
        println!(
            "kill {attempt}: acknowledged {}, in the log {}, of which half done {half_done}, in \
             all mailboxes afterwards {}",
            acknowledged.len(),
            before.len(),
            found.len(),
        );
        assert_eq!(before.len(), found.len(), "nothing more, and nothing less");
        for (text, id) in &acknowledged {
            let ids: Vec<&String> = found[text].keys().collect();
            assert_eq!(ids, [id], "{text} is another message than was told");
        }
        if half_done > 0 {
            return;
        }
    }
    panic!("in {TRIES} kills no message was half done");
}

fn name(number: usize) -> String {
    format!("desk-{number}")
}

fn some_names(random: &mut StdRng) -> Vec<usize> {
    let first = random.random_range(0..RECIPIENTS);
    let count = random.random_range(5..RECIPIENTS);
    (0..count).map(|n| (first + n) % RECIPIENTS).collect()
}

/// Everybody sends to a list of their own, as fast as it is answered, and repeats nothing. Returns
/// what was acknowledged: the texts with their ids.
async fn send_until_killed(
    server: Binary,
    lists: &[Vec<usize>],
    after: Duration,
) -> BTreeMap<String, String> {
    let rests = (0..SENDERS).map(|sender| server.rest(&format!("sender-{sender}")));
    let rests: Vec<_> = rests.collect();
    let senders = lists
        .iter()
        .zip(rests)
        .enumerate()
        .map(|(sender, (list, rest))| {
            let to: Vec<String> = list.iter().map(|number| name(*number)).collect();
            async move {
                let mut acknowledged = Vec::new();
                for number in 0..MESSAGES_MAX {
                    let text = format!("{sender}/{number}");
                    let body = json!({"to": to, "text": text});
                    let post = rest.request(Method::POST, "/v1/messages").json(&body);
                    let Ok(reply) = rest.try_send(post).await else {
                        break;
                    };
                    let id = reply.ok(201)["id"].as_str().expect("an id").to_owned();
                    acknowledged.push((text, id));
                }
                acknowledged
            }
        });
    let killing = async {
        for_a_while(after).await;
        server.kill()
    };
    let sending = join_all(senders);
    let both = async { tokio::join!(sending, killing).0 };
    let acknowledged = within("everybody to notice", both).await;
    acknowledged.into_iter().flatten().collect()
}

/// What the server left behind, before it can go on.
fn in_the_log(folder: &Path) -> Found {
    let store = store_of(folder);
    let mut found = Found::new();
    for number in 0..RECIPIENTS {
        let stream = Stream::Mailbox(name(number).parse().expect("a name"));
        let page = store.page(&stream, Seq::ZERO, usize::MAX >> 1);
        for record in page.expect("it can be read") {
            if let Event::MessageStored(stored) = &record.event {
                let body = serde_json::to_value(&stored.body).expect("a text");
                let text = body["text"].as_str().expect("a text").to_owned();
                note(&mut found, text, stored.id.to_string(), number);
            }
        }
    }
    found
}

fn note(found: &mut Found, text: String, id: String, number: usize) {
    let ids = found.entry(text).or_default();
    assert!(
        ids.entry(id).or_default().insert(number),
        "it is there twice"
    );
}

/// Whether a message is with everybody, under one id.
fn is_whole(found: &BTreeMap<String, BTreeSet<usize>>, lists: &[Vec<usize>]) -> bool {
    let mut places = found.values();
    let (Some(places), None) = (places.next(), places.next()) else {
        return false;
    };
    lists.iter().any(|list| {
        let list: BTreeSet<usize> = list.iter().copied().collect();
        list == *places
    })
}

/// All mailboxes, when every message is in all that it goes to.
async fn completed(server: &Binary, lists: &[Vec<usize>]) -> Found {
    let looking = async {
        loop {
            let found = in_the_mailboxes(server).await;
            if found.values().all(|found| is_whole(found, lists)) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await; // tidy: bounded poll
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("a message is with some of its recipients only"))
}

async fn in_the_mailboxes(server: &Binary) -> Found {
    let mut found = Found::new();
    for number in 0..RECIPIENTS {
        let rest = server.rest(&name(number));
        let page = rest.get("/v1/mailbox?peek=true&limit=500").await.ok(200);
        let word = |item: &Value, field: &str| item[field].as_str().expect("a word").to_owned();
        for item in page["items"].as_array().expect("a list") {
            note(&mut found, word(item, "text"), word(item, "id"), number);
        }
    }
    found
}
