//! The requests of a round, and what must be in the server when all is over.

use std::collections::BTreeMap;

use agent_bridge::client::RestClient;
use serde_json::{Value, json};

use crate::chaos::request::{Request, What};
use crate::chaos::room_log::page;
use crate::chaos::server::Server;

/// Where is posted, and who joins.
pub(super) const ROOM: &str = "main";
/// Whose mailbox gets the most.
pub(super) const DESK: &str = "desk";
/// Who does all that is none of the cases.
pub(super) const OTHER: &str = "other";
const SEVERAL: [&str; 3] = [DESK, "shelf", "drawer"];
const POSTERS: usize = 4;

/// A request, and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) request: Request,
    /// The receipt, as it was given first.
    pub(super) receipt: Option<Value>,
    /// How often it was said to be carried out, and not to be a repeat.
    pub(super) firsts: u64,
}

impl Case {
    pub(super) const fn new(request: Request) -> Self {
        Self {
            request,
            receipt: None,
            firsts: 0,
        }
    }
}

/// All of a round.
#[derive(Debug)]
pub(super) struct Cases(pub(super) Vec<Case>);

impl Cases {
    /// Makes everything that the cases need.
    pub(super) async fn begin(server: &Server, of_a_kind: usize) -> Result<Self, String> {
        let refused = |why: agent_bridge::client::ClientError| format!("setting up: {why}");
        let other = server.rest(OTHER)?;
        let room = json!({"room": ROOM});
        other
            .post(&["v1", "rooms"], &room, None)
            .await
            .map_err(refused)?;
        for poster in 0..POSTERS {
            let path = ["v1", "rooms", ROOM, "members", "me"];
            let rest = server.rest(&name(poster))?;
            rest.put(&path, &json!({})).await.map_err(refused)?;
        }
        for recipient in SEVERAL {
            server.rest(recipient)?.peek(1).await.map_err(refused)?;
        }
        let mut cases = Vec::new();
        for number in 0..of_a_kind {
            let poster = name(number % POSTERS);
            let body = json!({"to": DESK, "text": format!("to be done {number}")});
            let sent = other.post(&["v1", "messages"], &body, None).await;
            let sent = sent.map_err(refused)?;
            let id = sent["id"].as_str().unwrap_or_default().to_owned();
            let text = |what: &str| format!("{what} {number}");
            let send = |to: &[&str], text| What::Send {
                to: to.iter().map(|&name| name.to_owned()).collect(),
                text,
            };
            let post = What::Post {
                room: ROOM.to_owned(),
                text: text("post"),
            };
            let create = What::Create {
                room: format!("made-{number}"),
                topic: text("topic"),
            };
            let join = What::Join {
                room: ROOM.to_owned(),
                role: "coder",
            };
            let reason = text("done");
            cases.extend([
                case(&poster, number, post),
                case(&poster, number, create),
                case(&format!("joiner-{number}"), number, join),
                case(&poster, number, send(&[DESK], text("one"))),
                case(&poster, number, send(&SEVERAL, text("several"))),
                case(DESK, number, What::Ack { id, reason }),
            ]);
        }
        Ok(Self(cases))
    }

    pub(super) fn first_half(&self) -> &[Case] {
        &self.0[..self.0.len() / 2]
    }

    pub(super) fn second_half(&self) -> &[Case] {
        &self.0[self.0.len() / 2..]
    }

    /// How many times too often, or too seldom, something is there.
    pub(super) async fn flaws_in_the_store(&self, server: &Server) -> Result<u64, String> {
        let log = whole_log(&server.rest(OTHER)?).await?;
        let posted = log.iter().filter(|event| event["by"] != OTHER);
        let posted = posted.filter_map(|event| event["text"].as_str().map(str::to_owned));
        let wanted = self.wanted(|what| match what {
            What::Post { text, .. } => Some(text.clone()),
            _ => None,
        });
        let mut flaws = stored_twice(posted, wanted);
        let joined = log.iter().filter(|event| event["kind"] == "member_joined");
        let joined = joined.filter_map(|event| event["client"].as_str().map(str::to_owned));
        let joined = joined.filter(|name| name.starts_with("joiner"));
        let joiners = self.0.iter().filter_map(|case| match case.request.what {
            What::Join { .. } => Some(case.request.by.clone()),
            _ => None,
        });
        flaws += stored_twice(joined, joiners);
        for recipient in SEVERAL {
            let mine = |to: &[String]| to.iter().any(|name| name == recipient);
            let wanted = self.wanted(|what| match what {
                What::Send { to, text } if mine(to) => Some(text.clone()),
                _ => None,
            });
            flaws += stored_twice(mailbox(server, recipient).await?, wanted);
        }
        for case in &self.0 {
            flaws += match &case.request.what {
                What::Ack { id, .. } => done_not_once(&server.rest(DESK)?, id).await?,
                What::Create { room, .. } => {
                    let rest = server.rest(&case.request.by)?;
                    let page = page(&rest, room, 0, 10).await?;
                    let items = page["items"].as_array().into_iter().flatten();
                    let made = items.filter(|event| event["kind"] == "room_created");
                    made.count().abs_diff(1) as u64
                }
                _ => 0,
            };
        }
        Ok(flaws)
    }

    fn wanted(&self, text: impl Fn(&What) -> Option<String>) -> Vec<String> {
        let texts = self.0.iter().filter_map(|case| text(&case.request.what));
        texts.collect()
    }
}

fn case(by: &str, number: usize, what: What) -> Case {
    let request = Request {
        by: by.to_owned(),
        key: format!("key-{number}-{}", kind(&what)),
        what,
    };
    Case::new(request)
}

/// A word for each kind, so that the keys of one client differ.
fn kind(what: &What) -> &'static str {
    match what {
        What::Post { .. } => "post",
        What::Create { .. } => "create",
        What::Join { .. } => "join",
        What::Send { to, .. } if to.len() == 1 => "one",
        What::Send { .. } => "several",
        What::Ack { .. } => "ack",
    }
}

fn name(poster: usize) -> String {
    format!("poster-{poster}")
}

/// By how much what is there differs from each of what is wanted once.
pub(super) fn stored_twice(
    there: impl IntoIterator<Item = String>,
    wanted: impl IntoIterator<Item = String>,
) -> u64 {
    let mut times: BTreeMap<String, i64> = BTreeMap::new();
    for text in there {
        *times.entry(text).or_default() += 1;
    }
    for text in wanted {
        *times.entry(text).or_default() -= 1;
    }
    times.values().map(|times| times.unsigned_abs()).sum()
}

async fn whole_log(rest: &RestClient) -> Result<Vec<Value>, String> {
    let mut log: Vec<Value> = Vec::new();
    loop {
        let mut page = page(rest, ROOM, log.len() as u64, 500).await?;
        match page["items"].take() {
            Value::Array(items) if !items.is_empty() => log.extend(items),
            _ => return Ok(log),
        }
    }
}

/// The texts of what waits, without what is none of the cases. It takes them.
async fn mailbox(server: &Server, name: &str) -> Result<Vec<String>, String> {
    let rest = server.rest(name)?;
    let mut texts = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("limit", "500".to_owned())];
        query.extend(after.take().map(|after| ("after", after)));
        let page = rest.get(&["v1", "mailbox"], &query).await;
        let page = page.map_err(|why| format!("the mailbox of {name}: {why}"))?;
        let Some(items) = page["items"].as_array().filter(|items| !items.is_empty()) else {
            return Ok(texts);
        };
        let of_cases = items.iter().filter(|item| item["from"] != OTHER);
        let of_cases = of_cases.filter_map(|item| item["text"].as_str().map(str::to_owned));
        texts.extend(of_cases);
        after = page["next"].as_str().map(str::to_owned);
    }
}

/// How many times too often, or too seldom, a message is done.
async fn done_not_once(rest: &RestClient, id: &str) -> Result<u64, String> {
    let shown = rest.get(&["v1", "messages", id], &[]).await;
    let shown = shown.map_err(|why| format!("{id}: {why}"))?;
    let recipients = shown["recipients"].as_array().into_iter().flatten();
    let steps = recipients.flat_map(|recipient| recipient["history"].as_array());
    let done = steps.flatten().filter(|step| step["stage"] == "done");
    Ok(done.count().abs_diff(1) as u64)
}
