//! What clients do with a server, so that it comes to every place where it can panic.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::actor::{Actor, Tally};
use crate::broken::Place;
use crate::chaos::http::Http;
use crate::chaos::server::Server;

/// Handlers that something slow leads to: a timer of seconds.
const SLOW: &[&str] = &["sleep", "retry", "sweep", "swept", "bodies_read", "tick"];

/// Whether it takes seconds to come there.
pub(super) fn is_slow(place: &Place) -> bool {
    let handler = place.handler.as_str();
    // The owner of what is said to all is awake before, unless it sleeps in between; and snapshots
    // are made by those who fall asleep.
    let is_rare = place.actor == "broadcast" && ["started", "read"].contains(&handler);
    let is_timer = place.actor == "timekeeper";
    SLOW.contains(&handler) || is_rare || is_timer || handler.starts_with("save_snapshot")
}

/// Three clients, a room, some messages. All of it is new for each pass.
#[derive(Debug)]
pub(super) struct Script {
    room: String,
    ann: Actor,
    bob: Actor,
    cid: Actor,
    operator: Actor,
    is_slow: bool,
    /// What was acknowledged in the room: the text and its place.
    posted: BTreeMap<String, u64>,
    /// Messages to bob that he has finished with.
    done: Vec<String>,
}

impl Script {
    pub(super) fn begin(pass: usize, place: Option<&Place>) -> Self {
        let actor = |name: &str| Actor::new(format!("{name}-{pass}"));
        Self {
            room: format!("den-{pass}"),
            ann: actor("ann"),
            bob: actor("bob"),
            cid: actor("cid"),
            operator: Actor::operator(),
            is_slow: place.is_none_or(is_slow),
            posted: BTreeMap::new(),
            done: Vec::new(),
        }
    }

    /// Plays it from beginning to end. Everything in it is carried out at last, or it is an error.
    pub(super) async fn play(&mut self, server: &Server) -> Result<(), String> {
        self.open_the_room(server).await?;
        self.talk(server).await?;
        self.write_messages(server).await?;
        self.by_rest(server).await?;
        if self.is_slow {
            self.wait_for_timers(server).await?;
        }
        self.look_around(server).await?;
        self.part(server).await
    }

    async fn open_the_room(&mut self, server: &Server) -> Result<(), String> {
        let room = &self.room;
        let frame = json!({"type": "create_room", "room": room, "key": "make"});
        self.ann.frame(server, frame).await?;
        let frame = json!({"type": "join", "room": room, "key": "join", "since": 0});
        self.bob.frame(server, frame).await?;
        let frame = json!({"type": "create_channel", "room": room, "name": "side", "key": "side"});
        self.ann.frame(server, frame).await?;
        // Somebody who gets in by a grant, hears of it in every session, and is sent out again.
        self.cid.frame(server, json!({"type": "ping"})).await?;
        let path = format!("/v1/rooms/{room}/members/{}", self.cid.name());
        let role = json!({"role": "tester"});
        let (put, delete) = (Method::PUT, Method::DELETE);
        let granted = self
            .ann
            .rest(server, put.clone(), &path, Some("grant"), Some(&role));
        granted.await?;
        let nothing = json!({});
        let own = format!("/v1/rooms/{room}/members/me");
        let joined = self
            .cid
            .rest(server, put, &own, Some("enter"), Some(&nothing));
        joined.await?;
        let (key, out) = (Some("out"), delete.clone());
        self.ann.rest(server, out, &path, key, None).await?;
        // And somebody who goes by himself.
        let path = format!("{}/members/me", self.other_room());
        let other = json!({"room": format!("{}-other", self.room)});
        self.cid.post(server, "/v1/rooms", "other", other).await?;
        let left = self.cid.rest(server, delete, &path, Some("go"), None);
        left.await.map(drop)
    }

    fn other_room(&self) -> String {
        format!("/v1/rooms/{}-other", self.room)
    }

    async fn talk(&mut self, server: &Server) -> Result<(), String> {
        for number in 0..3 {
            let text = format!("ws {number} @{}", self.bob.name());
            self.post(server, &text).await?;
        }
        // What the room does not remember is looked up.
        let nothing = "msg_0192f0c1d2e37000a1b2c3d4e5f60718";
        let reply = json!({
            "type": "post", "room": self.room, "text": "to whom?", "reply_to": nothing,
        });
        self.ann.refused(server, reply, "message_not_found").await
    }

    async fn post(&mut self, server: &Server, text: &str) -> Result<(), String> {
        let frame = json!({"type": "post", "room": self.room, "text": text, "key": text});
        let event = self.ann.frame(server, frame).await?;
        let seq = event["seq"].as_u64().ok_or("a post without a seq")?;
        self.posted.insert(text.to_owned(), seq);
        Ok(())
    }

    async fn write_messages(&mut self, server: &Server) -> Result<(), String> {
        let (bob, cid) = (self.bob.name().to_owned(), self.cid.name().to_owned());
        for (number, to) in [json!(bob), json!([bob, cid])].into_iter().enumerate() {
            let key = format!("dm {number}");
            let frame = json!({"type": "send", "to": to, "text": key, "key": key});
            let stored = self.ann.frame(server, frame).await?;
            let id = stored["id"]
                .as_str()
                .ok_or("a message without an id")?
                .to_owned();
            self.bob
                .told(server, "message", |frame| frame["id"] == id)
                .await?;
            let ack =
                json!({"type": "ack", "id": id, "stage": "done", "key": format!("ack {number}")});
            self.bob.frame(server, ack).await?;
            self.done.push(id);
        }
        let news = json!({"to": "all", "text": "news"});
        let key = format!("news {}", self.room);
        let sent = self.operator.rest(
            server,
            Method::POST,
            "/v1/messages",
            Some(&key),
            Some(&news),
        );
        sent.await.map(drop)
    }

    async fn by_rest(&mut self, server: &Server) -> Result<(), String> {
        let room = format!("/v1/rooms/{}", self.room);
        let other = json!({"room": format!("{}-rest", self.room)});
        self.ann.post(server, "/v1/rooms", "rest", other).await?;
        let (path, channel) = (format!("{room}/channels"), json!({"name": "rest"}));
        self.ann.post(server, &path, "channel", channel).await?;
        let (path, text) = (format!("{room}/messages"), json!({"text": "by rest"}));
        let event = self.ann.post(server, &path, "post", text).await?;
        let seq = event["seq"].as_u64().ok_or("a post without a seq")?;
        self.posted.insert("by rest".to_owned(), seq);
        let id = self.a_message_by_rest(server).await?;
        for path in [
            "/health".to_owned(),
            "/ready".to_owned(),
            "/status".to_owned(),
            "/v1/rooms".to_owned(),
            room.clone(),
            format!("{room}/channels"),
            format!("{room}/messages"),
            format!("{room}/events?wait=1"),
            format!("/v1/messages/{id}"),
            "/v1/dead-letters".to_owned(),
        ] {
            self.ann.get(server, &path).await?;
        }
        self.ann.post(server, "/v1/tickets", "", json!({})).await?;
        for path in ["/v1/admin/stats", "/v1/admin/dead-letters"] {
            self.operator.get(server, path).await?;
        }
        let body = json!({"actor": format!("room:{}", self.room)});
        let path = "/v1/admin/actors/release";
        self.operator.post(server, path, "", body).await.map(drop)
    }

    async fn a_message_by_rest(&mut self, server: &Server) -> Result<String, String> {
        let body = json!({"to": self.bob.name(), "text": "to a mailbox"});
        let sent = self
            .ann
            .post(server, "/v1/messages", "message", body)
            .await?;
        let id = sent["id"].as_str().ok_or("a message without an id")?;
        self.bob.leave();
        self.bob.get(server, "/v1/mailbox?wait=1").await?;
        let (path, done) = (format!("/v1/messages/{id}/ack"), json!({"stage": "done"}));
        self.bob.post(server, &path, "rest ack", done).await?;
        self.done.push(id.to_owned());
        Ok(id.to_owned())
    }

    /// Messages that are tried again and that expire, and owners that fall asleep.
    async fn wait_for_timers(&mut self, server: &Server) -> Result<(), String> {
        let bob = self.bob.name().to_owned();
        let frame =
            json!({"type": "send", "to": bob, "text": "short", "key": "ttl", "ttl_seconds": 1});
        let stored = self.ann.frame(server, frame).await?;
        let short = stored["id"].as_str().unwrap_or_default().to_owned();
        let frame = json!({"type": "send", "to": bob, "text": "again", "key": "again"});
        let stored = self.ann.frame(server, frame).await?;
        let again = stored["id"].as_str().unwrap_or_default().to_owned();
        // Two cuts: at once after the first, two seconds after the second. A session that the panic
        // takes with it is one more, and then it is ten.
        for _ in 0..2 {
            self.bob
                .told(server, "message", |frame| frame["id"] == again)
                .await?;
            self.bob.leave();
        }
        self.bob
            .told(server, "message", |frame| frame["id"] == again)
            .await?;
        let ack = json!({"type": "ack", "id": again, "stage": "done", "key": "ack again"});
        self.bob.frame(server, ack).await?;
        self.done.push(again);
        let path = format!("/v1/messages/{short}?wait=10");
        let ended = self
            .ann
            .rest(server, Method::GET, &path, None, None)
            .await?;
        let stage = &ended["recipients"][0]["stage"];
        if stage != "expired" {
            return Err(format!("a message with a second to live is {stage}"));
        }
        Ok(())
    }

    /// Everybody goes and comes back, with what they missed.
    async fn look_around(&mut self, server: &Server) -> Result<(), String> {
        for actor in [&mut self.ann, &mut self.bob, &mut self.cid] {
            actor.leave();
        }
        if self.is_slow {
            self.everybody_sleeps(server).await?;
        }
        self.bob.frame(server, json!({"type": "ping"})).await?;
        let text = "after a pause".to_owned();
        self.post(server, &text).await?;
        let http = Http::new(server, self.ann.name())?;
        let path = format!("/v1/rooms/{}/events", self.room);
        // A stream that a panic cuts off is opened again by whoever reads it.
        for _ in 0..3 {
            let Ok(mut stream) = http.stream(&path).await else {
                continue;
            };
            if stream.next().await.is_ok() {
                return Ok(());
            }
        }
        Err("a stream of events was not opened".to_owned())
    }

    /// Rooms and mailboxes that nobody uses go to sleep after a second or two.
    async fn everybody_sleeps(&mut self, server: &Server) -> Result<(), String> {
        for _ in 0..20 {
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
            let path = "/v1/admin/stats";
            let stats = self
                .operator
                .rest(server, Method::GET, path, None, None)
                .await?;
            let parts = stats["actors"]["parts"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let awake = |name: &str| {
                let part = parts.iter().find(|part| part["name"] == name);
                part.and_then(|part| part["live"].as_u64())
                    .unwrap_or_default()
            };
            if awake("broadcast") == 0 && awake("mailboxes") <= 1 {
                return Ok(());
            }
        }
        // Neighbours keep some awake; that is no failure.
        Ok(())
    }

    async fn part(&mut self, server: &Server) -> Result<(), String> {
        let room = self.room.clone();
        let leave = json!({"type": "leave", "room": room, "key": "leave"});
        self.bob.frame(server, leave).await?;
        // One session too many ends the one that was silent for longest.
        self.ann.frame(server, json!({"type": "ping"})).await?;
        self.ann.crowd_out(server).await?;
        let path = format!("/v1/rooms/{room}-rest");
        let closed = self
            .ann
            .rest(server, Method::DELETE, &path, Some("close"), None);
        closed.await.map(drop)
    }

    /// Holds the logs against what was acknowledged.
    pub(super) async fn check(&mut self, server: &Server) -> Result<(), String> {
        let path = format!("/v1/rooms/{}/events?limit=500", self.room);
        let page = self
            .ann
            .rest(server, Method::GET, &path, None, None)
            .await?;
        let items: Vec<Value> = page["items"].as_array().cloned().unwrap_or_default();
        let is_dense = |(place, event): (usize, &Value)| event["seq"] == place as u64 + 1;
        if !items.iter().enumerate().all(is_dense) {
            return Err("the room's log has a gap".to_owned());
        }
        for (text, seq) in &self.posted {
            let found: Vec<&Value> = items.iter().filter(|e| e["text"] == **text).collect();
            if found.len() != 1 || found[0]["seq"] != *seq {
                return Err(format!(
                    "{text:?} was acknowledged as {seq} and is {found:?}"
                ));
            }
        }
        for id in self.done.clone() {
            let path = format!("/v1/messages/{id}");
            let message = self
                .ann
                .rest(server, Method::GET, &path, None, None)
                .await?;
            let recipients = message["recipients"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let bob = recipients.iter().find(|r| r["client"] == self.bob.name());
            if bob.is_none_or(|bob| bob["stage"] != "done") {
                return Err(format!("a message that is done is {message}"));
            }
        }
        Ok(())
    }

    /// What happened to everybody's requests.
    pub(super) fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for actor in [&self.ann, &self.bob, &self.cid, &self.operator] {
            sum.add(&actor.tally);
        }
        sum
    }
}
