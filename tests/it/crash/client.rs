//! A client that writes with keys, remembers what was acknowledged, and reads everything.

use std::collections::BTreeMap;
use std::time::Duration;

use agent_bridge::system::Stopwatch;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::ws::{Came, as_told_to_all};
use crate::support::{Binary, Ws};

pub(super) struct Client {
    pub(super) name: String,
    pub(super) room: String,
    session: Option<Ws>,
    epoch: Value,
    posts: u64,
    /// The text of a post, and the event that acknowledged it.
    pub(super) acknowledged: BTreeMap<String, Value>,
    /// What was sent last, when it was not acknowledged.
    open: Option<String>,
    /// Posts that were repeated after a crash, and how they were answered.
    pub(super) repeated: u32,
    pub(super) found_again: u32,
    /// Every event of the room, as it was told over all sessions.
    pub(super) seen: Vec<Value>,
    /// Breaks of what a resume promises.
    pub(super) incomplete: u32,
}

impl Client {
    pub(super) fn new(number: usize, room: String) -> Self {
        Self {
            name: format!("client-{number}"),
            room,
            session: None,
            epoch: Value::Null,
            posts: 0,
            acknowledged: BTreeMap::new(),
            open: None,
            repeated: 0,
            found_again: 0,
            seen: Vec::new(),
            incomplete: 0,
        }
    }

    /// Makes the room, or joins it when the other one was faster.
    pub(super) async fn enter(&mut self, server: &Binary) {
        let mut ws = server.open(&self.name).await;
        self.epoch = ws.hello().await["epoch"].clone();
        let answer = ws
            .request(json!({"type": "create_room", "room": self.room}))
            .await;
        if answer["type"] == "rejected" {
            assert_eq!(answer["code"], "room_exists", "{answer}");
            ws.done(json!({"type": "join", "room": self.room, "since": 0}))
                .await;
        }
        self.session = Some(ws);
    }

    fn frame(&self, text: &str) -> Value {
        json!({"type": "post", "room": self.room, "text": text, "key": text, "ref": text})
    }

    /// Writes as fast as it is acknowledged, until the server is gone.
    pub(super) async fn write(&mut self, mut stopped: watch::Receiver<bool>) {
        let mut ws = self.session.take().expect("it has come in");
        loop {
            let text = format!("{}/{}", self.name, self.posts);
            self.posts += 1;
            self.open = Some(text.clone());
            if ws.try_send(self.frame(&text)).await.is_err() {
                break;
            }
            match self.answer(&mut ws, &text).await {
                Some(event) => {
                    self.acknowledged.insert(text, as_told_to_all(&event));
                    self.open = None;
                }
                None => break,
            }
        }
        // Others may still be told something; nobody is, once the server is gone.
        drop(stopped.changed().await);
        self.take_in(&ws);
    }

    /// The answer to a post, or nothing when the connection ended.
    async fn answer(&self, ws: &mut Ws, text: &str) -> Option<Value> {
        loop {
            match ws.came().await {
                Came::Frame(frame) if frame["ref"] == text => return Some(frame),
                Came::Frame(_) | Came::Ping | Came::Pong(_) => {}
                Came::Closed(_) => return None,
            }
        }
    }

    fn take_in(&mut self, ws: &Ws) {
        self.seen.extend(ws.news(&self.room));
    }

    /// Resumes where it was, repeats what was not acknowledged, and catches up. Says how long after
    /// the restart it was acknowledged.
    pub(super) async fn come_back(&mut self, server: &Binary, since: Stopwatch) -> Duration {
        let mut ws = server.open(&self.name).await;
        let cursor = self
            .seen
            .last()
            .map_or(0, |event| event["seq"].as_u64().expect("a seq"));
        let resume = json!({"epoch": self.epoch, "rooms": {&self.room: cursor}});
        let welcome = ws.resume(resume).await;
        let promised = &welcome["resumed"][&self.room];
        self.incomplete += u32::from(promised["complete"] != true || promised["from"] != cursor);
        let text = self
            .open
            .take()
            .unwrap_or_else(|| format!("{}/back/{cursor}", self.name));
        ws.send(self.frame(&text)).await;
        let event = self
            .answer(&mut ws, &text)
            .await
            .expect("the server is back");
        assert_eq!(event["kind"], "posted", "{event}");
        let acknowledged = since.elapsed();
        self.repeated += 1;
        self.found_again += u32::from(event["duplicate"] == true);
        self.acknowledged.insert(text, as_told_to_all(&event));
        self.session = Some(ws);
        acknowledged
    }
}
