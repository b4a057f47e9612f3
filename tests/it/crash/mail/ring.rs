//! A member of the ring: it sends to the next one, and deals with what comes from the one before.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::history::Saw;
use super::poller::Poller;
use crate::support::wait::for_a_while;
use crate::support::ws::Came;
use crate::support::{Binary, Ws};

/// After so long without a frame a member asks for one.
const QUIET: Duration = Duration::from_secs(5);

/// How a member gets its messages and says what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Over a session; done at once.
    Done,
    /// Over a session; it has it first, and then is done.
    SeenThenDone,
    /// By long polls.
    Poll,
}

/// A request that is repeated, the same, until it is answered.
#[derive(Debug, Clone)]
pub(super) enum Request {
    /// A message, under a key.
    Send(Value),
    /// What became of one.
    Ack { id: String, stage: &'static str },
}

pub(super) struct Member {
    pub(super) name: String,
    next: String,
    pub(super) manner: Manner,
    link: Option<Link>,
    /// Messages of its own that it began to send.
    begun: u64,
    /// What is not answered yet, by the request's word.
    pub(super) open: BTreeMap<String, Request>,
    pub(super) saw: Vec<Saw>,
    idle: watch::Sender<bool>,
}

enum Link {
    Session(Box<Ws>),
    Poll(Poller),
}

impl Member {
    pub(super) fn new(number: usize, of: usize, manner: Manner) -> Self {
        Self {
            name: format!("ring-{number}"),
            next: format!("ring-{}", (number + 1) % of),
            manner,
            link: None,
            begun: 0,
            open: BTreeMap::new(),
            saw: Vec::new(),
            idle: watch::Sender::new(false),
        }
    }

    /// Changes when it has nothing open any more.
    pub(super) fn idle(&self) -> watch::Receiver<bool> {
        self.idle.subscribe()
    }

    /// The messages that it was told are stored.
    pub(super) fn ids(&self) -> std::collections::BTreeSet<String> {
        let ids = self.saw.iter().filter_map(|saw| match saw {
            Saw::Stored { id, .. } => Some(id.clone()),
            _ => None,
        });
        ids.collect()
    }

    pub(super) async fn connect(&mut self, server: &Binary) {
        self.saw.push(Saw::Connected);
        self.link = Some(match self.manner {
            Manner::Poll => Link::Poll(Poller::new(server, &self.name).await),
            Manner::Done | Manner::SeenThenDone => {
                let mut ws = server.open(&self.name).await;
                ws.hello().await;
                Link::Session(Box::new(ws))
            }
        });
    }

    /// Talks until it is stopped, or the server is gone; begins new messages only if it may.
    pub(super) async fn talk(&mut self, may_begin: bool, mut stopped: watch::Receiver<bool>) {
        let link = self.link.take().expect("it is connected");
        match link {
            Link::Session(mut ws) => {
                let is_there = self.talk_over(&mut ws, may_begin, &mut stopped).await;
                self.link = is_there.then_some(Link::Session(ws));
            }
            Link::Poll(mut poller) => {
                let is_there = poller.talk(self, may_begin, &stopped).await;
                self.link = is_there.then_some(Link::Poll(poller));
            }
        }
    }

    /// Whether the server is still there.
    async fn talk_over(
        &mut self,
        ws: &mut Ws,
        may_begin: bool,
        stopped: &mut watch::Receiver<bool>,
    ) -> bool {
        for frame in self.frames() {
            if ws.try_send(frame).await.is_err() {
                return false;
            }
        }
        loop {
            if may_begin && !self.is_sending() {
                self.begin();
                let frames = self.frames();
                let newest = frames
                    .into_iter()
                    .filter(|frame| frame["ref"] == self.newest());
                for frame in newest {
                    if ws.try_send(frame).await.is_err() {
                        return false;
                    }
                }
            }
            self.note_idle();
            let came = tokio::select! {
                came = ws.came() => came,
                _ = stopped.changed() => return true,
                // While others are busy nothing may come; that the server is there must.
                () = for_a_while(QUIET) => {
                    if ws.try_send(json!({"type": "ping"})).await.is_err() {
                        return false;
                    }
                    continue;
                }
            };
            let more = match came {
                Came::Frame(frame) => self.hear(&frame),
                Came::Ping | Came::Pong(_) => Vec::new(),
                Came::Closed(_) => {
                    // The others may still be talking; nobody is, once the server is gone.
                    return false;
                }
            };
            for frame in more {
                if ws.try_send(frame).await.is_err() {
                    return false;
                }
            }
        }
    }

    pub(super) fn note_idle(&self) {
        let is_idle = self.open.is_empty();
        self.idle
            .send_if_modified(|idle| std::mem::replace(idle, is_idle) != is_idle);
    }

    fn newest(&self) -> String {
        format!("m/{}", self.begun)
    }

    fn is_sending(&self) -> bool {
        self.open.contains_key(&self.newest())
    }

    /// A message to the next one. A share of them are questions.
    pub(super) fn begin(&mut self) -> String {
        self.begun += 1;
        let key = self.newest();
        let body = json!({
            "to": self.next, "text": format!("{} of {}", key, self.name), "key": key,
            "expects_reply": self.begun.is_multiple_of(4),
        });
        self.open.insert(key.clone(), Request::Send(body));
        key
    }

    /// A new message, unless the one before is not answered yet.
    pub(super) fn begin_if_done(&mut self) {
        if !self.is_sending() {
            self.begin();
        }
    }

    fn frames(&self) -> Vec<Value> {
        let open = self.open.iter();
        open.map(|(word, request)| frame(word, request)).collect()
    }

    /// Takes in a frame, and says what is sent because of it.
    fn hear(&mut self, told: &Value) -> Vec<Value> {
        match told["type"].as_str() {
            Some("message") => self.take(told).into_iter().collect(),
            Some("stored") => {
                let word = told["ref"].as_str().expect("an answer has its word");
                let more = self.answered(word, told);
                more.map(|word| frame(&word, &self.open[&word]))
                    .into_iter()
                    .collect()
            }
            Some("rejected") => {
                assert_eq!(told["temporary"], true, "{} was told {told}", self.name);
                let word = told["ref"].as_str().expect("an answer has its word");
                vec![frame(word, &self.open[word])]
            }
            _ => Vec::new(),
        }
    }

    /// A message was handed over. What it makes of it is open from now on.
    fn take(&mut self, message: &Value) -> Option<Value> {
        let word = self.deal_with(message)?;
        Some(frame(&word, &self.open[&word]))
    }

    /// The word of the request by which a message is dealt with, unless that is under way.
    pub(super) fn deal_with(&mut self, message: &Value) -> Option<String> {
        let id = message["id"]
            .as_str()
            .expect("a message has an id")
            .to_owned();
        self.saw.push(Saw::Delivered { id: id.clone() });
        let (word, request) = if message["expects_reply"] == true {
            let key = format!("reply/{id}");
            let body = json!({
                "to": message["from"], "text": "an answer", "kind": "response",
                "reply_to": id, "key": key,
            });
            (key, Request::Send(body))
        } else {
            let stage = match self.manner {
                Manner::SeenThenDone => "seen",
                Manner::Done | Manner::Poll => "done",
            };
            (format!("ack/{id}"), Request::Ack { id, stage })
        };
        if self.open.contains_key(&word) {
            return None;
        }
        self.open.insert(word.clone(), request);
        Some(word)
    }

    /// A request was answered. The word of the one that follows from it.
    pub(super) fn answered(&mut self, word: &str, told: &Value) -> Option<String> {
        let id = told["id"].as_str().expect("a receipt has an id").to_owned();
        match self.open.remove(word)? {
            Request::Send(body) => {
                let to = body["to"].as_str().expect("one recipient").to_owned();
                let key = word.to_owned();
                self.saw.push(Saw::Stored { key, id, to });
                None
            }
            Request::Ack { stage: "seen", .. } => {
                let stage = "done";
                self.open
                    .insert(word.to_owned(), Request::Ack { id, stage });
                Some(word.to_owned())
            }
            Request::Ack { .. } => {
                self.saw.push(Saw::Done { id });
                None
            }
        }
    }
}

fn frame(word: &str, request: &Request) -> Value {
    match request {
        Request::Send(body) => {
            let mut frame = body.clone();
            frame["type"] = json!("send");
            frame["ref"] = json!(word);
            frame
        }
        Request::Ack { id, stage } => {
            json!({"type": "ack", "id": id, "stage": stage, "ref": word})
        }
    }
}
