//! A client that posts with keys as fast as it is acknowledged, reads everything, and comes back
//! with its cursor and with what was not answered.

mod refused;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use agent_bridge::client::Token;
use serde_json::{Value, json};

use super::diary::Fact;
use super::life::Life;
use super::peer::Peer;
use super::room_log::{Cursor, Post, RoomLog, client, lock};
use refused::Refused;

/// How much a publisher does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Posts that it has in flight.
    pub(super) in_flight: usize,
    /// Posts that it makes; without a number it goes on until the server is gone.
    pub(super) posts: Option<u64>,
    /// Whether it may be refused for now, and repeats. Otherwise a refusal is a flaw.
    pub(super) may_be_refused: bool,
}

/// One publisher. It outlives the server.
#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) number: usize,
    log: Arc<Mutex<RoomLog>>,
    room: String,
    cursor: Cursor,
    pub(super) posted: u64,
    /// Posts that are not answered yet, and whether they were made in an earlier life.
    open: BTreeMap<u64, bool>,
    /// What it was told, on its way into the history.
    heard: Vec<(u64, u64)>,
    /// What it was told and the log was not looked at for yet: the post and its place.
    pub(super) acknowledged: Vec<(u64, u64)>,
    pub(super) acknowledged_total: u64,
    pub(super) repeated: u64,
    pub(super) found_again: u64,
    pub(super) refused: Refused,
    /// Resumes that did not promise everything.
    pub(super) incomplete: u64,
    /// What must not happen to it.
    pub(super) flaws: Vec<String>,
}

impl Publisher {
    /// A member of a room whose log begins with its first event.
    pub(super) fn new(number: usize, log: &Arc<Mutex<RoomLog>>) -> Self {
        Self {
            number,
            room: lock(log).room.clone(),
            log: Arc::clone(log),
            cursor: Cursor::at(0),
            posted: 0,
            open: BTreeMap::new(),
            heard: Vec::new(),
            acknowledged: Vec::new(),
            acknowledged_total: 0,
            repeated: 0,
            found_again: 0,
            refused: Refused::default(),
            incomplete: 0,
            flaws: Vec::new(),
        }
    }

    pub(super) const fn post(&self, number: u64) -> Post {
        let by = self.number;
        Post { by, number }
    }

    /// How far it has read.
    pub(super) const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Lives until it has done what it is to do and everything is answered, or until the server is
    /// gone.
    pub(super) async fn live(mut self, life: Arc<Life>, token: Token, load: Load) -> Self {
        let begun = self.cursor.seq();
        let mut peer = match Peer::open(life.server, &client(self.number), &token).await {
            Ok(peer) => peer,
            Err(why) => {
                self.flaws.extend(life.lost(&client(self.number), why));
                return self;
            }
        };
        if let Err(why) = self.talk(&mut peer, &life, load).await {
            for frame in peer.left_over() {
                self.hear(&frame);
            }
            self.flaws.extend(life.lost(&client(self.number), why));
        }
        let (by, after, to) = (self.number, begun, self.cursor.seq());
        let noted = life.diary.add(&Fact::Read { by, after, to });
        let noted = noted.and(self.believe(&life).await);
        self.flaws.extend(noted.err());
        self
    }

    async fn talk(&mut self, peer: &mut Peer, life: &Life, load: Load) -> Result<(), String> {
        self.refused.begin(load.may_be_refused);
        self.resume(peer, life).await?;
        life.may_begin().await;
        for is_repeat in self.open.values_mut() {
            *is_repeat = true;
        }
        let repeats: Vec<u64> = self.open.keys().copied().collect();
        self.repeated += repeats.len() as u64;
        self.say(peer, life, &repeats).await?;
        loop {
            let wanted = load.posts.unwrap_or(u64::MAX);
            let mut fresh = Vec::new();
            while self.open.len() < load.in_flight && self.posted < wanted {
                self.open.insert(self.posted, false);
                fresh.push(self.posted);
                self.posted += 1;
            }
            self.say(peer, life, &fresh).await?;
            if self.open.is_empty() {
                return Ok(());
            }
            let frame = peer.next().await?;
            self.hear(&frame);
            while let Some(frame) = peer.next_ready()? {
                self.hear(&frame);
            }
            self.believe(life).await?;
            self.repeat_refused(peer, life).await?;
        }
    }

    async fn resume(&mut self, peer: &mut Peer, life: &Life) -> Result<(), String> {
        let from = self.cursor.seq();
        let rooms = json!({&self.room: from});
        let resume = json!({"epoch": life.epoch, "rooms": rooms});
        let hello = json!({"type": "hello", "messages": false, "resume": resume});
        let welcome = peer.must(hello).await?;
        let promised = &welcome["resumed"][&self.room];
        if promised["complete"] != true || promised["from"] != from {
            self.incomplete += 1;
            // It goes on from where the server does.
            self.cursor = Cursor::at(promised["from"].as_u64().unwrap_or_default());
        }
        Ok(())
    }

    /// Posts, once it is written down.
    async fn say(&self, peer: &mut Peer, life: &Life, numbers: &[u64]) -> Result<(), String> {
        if numbers.is_empty() {
            return Ok(());
        }
        let by = self.number;
        for &number in numbers {
            life.diary.add(&Fact::Tried { by, number })?;
            let text = self.post(number).text();
            let reference = number.to_string();
            peer.queue(&json!({
                "type": "post", "room": self.room, "text": text, "key": reference,
                "ref": reference,
            }));
        }
        life.diary.synced().await?;
        peer.flush().await
    }

    fn hear(&mut self, frame: &Value) {
        match frame["type"].as_str() {
            Some("event") if frame["room"] == self.room => {}
            Some("presence") => return,
            Some("rejected") if self.is_refused(frame) => return,
            _ => {
                let name = client(self.number);
                self.flaws.push(format!("{name} was told {frame}"));
                return;
            }
        }
        let seq = if frame["duplicate"] == true {
            lock(&self.log).hear(frame)
        } else {
            lock(&self.log).follow(&mut self.cursor, frame);
            self.cursor.seq()
        };
        if let Some(reference) = frame["ref"].as_str() {
            self.answered(reference, seq, frame);
        }
    }

    fn answered(&mut self, reference: &str, seq: u64, frame: &Value) {
        let number = reference.parse().unwrap_or(u64::MAX);
        let post = self.post(number);
        let name = client(self.number);
        let is_repeat = self.open.remove(&number);
        let is_so = frame["text"].as_str().and_then(Post::read) == Some(post);
        match is_repeat {
            Some(is_repeat) if is_so && frame["by"] == name => {
                let is_found = frame["duplicate"] == true;
                self.found_again += u64::from(is_repeat && is_found);
                if is_found && !is_repeat {
                    self.flaws
                        .push(format!("{name} posted {number} once, and it was a repeat"));
                }
                self.heard.push((number, seq));
            }
            _ => self
                .flaws
                .push(format!("{name} was answered what it did not ask: {frame}")),
        }
    }

    /// What it was told counts as soon as it is written down.
    async fn believe(&mut self, life: &Life) -> Result<(), String> {
        if self.heard.is_empty() {
            return Ok(());
        }
        life.acknowledged();
        let by = self.number;
        for &(number, seq) in &self.heard {
            life.diary.add(&Fact::Acknowledged { by, number, seq })?;
        }
        life.diary.synced().await?;
        self.acknowledged_total += self.heard.len() as u64;
        self.acknowledged.append(&mut self.heard);
        Ok(())
    }
}
