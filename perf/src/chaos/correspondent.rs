//! A client that sends direct messages to the next one of a ring, and is done with those that it
//! gets. Whatever is not answered is asked again, the same, in the next life.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::client::Token;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::diary::Fact;
use super::life::Life;
use super::peer::Peer;

/// Between two messages of one of them: rooms are to have the most of the server.
const WRITES_EVERY: Duration = Duration::from_millis(20);
/// Every so manieth message is seen before it is done.
const SEEN_ONE_IN: u64 = 4;

/// What went wrong with messages.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Flaws {
    /// Stored, and not to be found, or never handed over.
    pub(super) lost: u64,
    /// Without an end, with two, or with another one than `done`.
    pub(super) not_ended_once: u64,
    /// Handed over after its recipient was told that it is done.
    pub(super) late: u64,
    /// Handed over twice to one session.
    pub(super) twice: u64,
    /// Handed over, and nobody sent it, or not to this one.
    pub(super) strangers: u64,
}

impl Flaws {
    pub(super) const fn others(&self) -> u64 {
        self.late + self.twice + self.strangers
    }
}

/// One of the ring. It outlives the server.
#[derive(Debug)]
pub(super) struct Correspondent {
    pub(super) number: usize,
    to: usize,
    written: u64,
    /// What is not answered yet, by its word.
    open: BTreeMap<String, Value>,
    /// The ids of what it sent, by number.
    pub(super) sent: BTreeMap<u64, String>,
    /// What it was handed, and how often.
    pub(super) handed: HashMap<String, u64>,
    /// What it was handed in this life.
    here: HashSet<String>,
    /// How long the server asked it to wait before it repeats what was refused.
    rest: Duration,
    /// What it was refused for now.
    pub(super) refused: u64,
    /// What it was told to be done.
    pub(super) done: HashSet<String>,
    pub(super) flaws: Flaws,
    /// What must not happen to it.
    pub(super) told: Vec<String>,
    idle: watch::Sender<bool>,
}

/// The name of one of them.
pub(super) fn name(number: usize) -> String {
    format!("ring-{number}")
}

impl Correspondent {
    pub(super) fn new(number: usize, of: usize) -> Self {
        Self {
            number,
            to: (number + 1) % of,
            written: 0,
            open: BTreeMap::new(),
            sent: BTreeMap::new(),
            handed: HashMap::new(),
            here: HashSet::new(),
            rest: Duration::ZERO,
            refused: 0,
            done: HashSet::new(),
            flaws: Flaws::default(),
            told: Vec::new(),
            idle: watch::Sender::new(false),
        }
    }

    /// It begins another life, in which it will say when everything is answered.
    pub(super) fn goes_out(&self) -> watch::Receiver<bool> {
        self.idle.send_replace(false);
        self.idle.subscribe()
    }

    /// Lives until it is stopped, or the server is gone. It writes only if it may.
    pub(super) async fn live(
        mut self,
        life: Arc<Life>,
        token: Token,
        may_write: bool,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let mut peer = match Peer::open(life.server, &name(self.number), &token).await {
            Ok(peer) => peer,
            Err(why) => {
                self.told.extend(life.lost(&name(self.number), why));
                return self;
            }
        };
        if let Err(why) = self.talk(&mut peer, &life, may_write, stop).await {
            let noted = peer.left_over().iter().try_for_each(|frame| {
                let answer = self.hear(&life, frame)?;
                answer.map_or(Ok(()), |frame| self.keep(frame))
            });
            let noted = noted.and(life.diary.synced().await);
            self.told.extend(noted.err());
            self.told.extend(life.lost(&name(self.number), why));
        }
        self
    }

    async fn talk(
        &mut self,
        peer: &mut Peer,
        life: &Life,
        may_write: bool,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), String> {
        self.here.clear();
        peer.must(json!({"type": "hello"})).await?;
        for frame in self.open.values() {
            peer.queue(frame);
        }
        peer.flush().await?;
        let mut pause = interval(WRITES_EVERY);
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_idle = self.open.is_empty();
            self.idle.send_replace(is_idle);
            let frame = tokio::select! {
                frame = peer.came() => Some(frame?),
                _ = pause.tick(), if may_write && !self.is_writing() => None,
                _ = stop.changed() => return Ok(()),
            };
            let mut answers = Vec::new();
            match frame {
                None => answers.push(self.write(life)?),
                Some(frame) => answers.extend(self.hear(life, &frame)?),
            }
            while let Some(frame) = peer.next_ready()? {
                answers.extend(self.hear(life, &frame)?);
            }
            life.diary.synced().await?;
            tokio::time::sleep(std::mem::take(&mut self.rest)).await;
            for answer in answers {
                peer.queue(&answer);
                self.keep(answer)?;
            }
            peer.flush().await?;
        }
    }

    fn is_writing(&self) -> bool {
        self.open.contains_key(&word_of_message(self.written))
    }

    fn write(&mut self, life: &Life) -> Result<Value, String> {
        self.written += 1;
        let (by, number) = (self.number, self.written);
        life.diary.add(&Fact::Sending { by, number })?;
        let word = word_of_message(number);
        Ok(json!({
            "type": "send", "to": name(self.to), "text": format!("{number} of {}", name(by)),
            "key": word, "ref": word,
        }))
    }

    /// A request is open from now on.
    fn keep(&mut self, frame: Value) -> Result<(), String> {
        let word = frame["ref"].as_str().ok_or("a request without a word")?;
        self.open.insert(word.to_owned(), frame);
        Ok(())
    }

    /// Takes in a frame, and says what is asked because of it.
    fn hear(&mut self, life: &Life, frame: &Value) -> Result<Option<Value>, String> {
        let word = || frame["ref"].as_str().unwrap_or_default();
        match frame["type"].as_str() {
            Some("message") => self.take(life, frame),
            Some("stored") => self.answered(life, word(), frame),
            Some("rejected") if frame["temporary"] == true => {
                let millis = frame["retry_after_ms"].as_u64().unwrap_or_default();
                self.rest = self.rest.max(Duration::from_millis(millis));
                self.refused += 1;
                Ok(self.open.get(word()).cloned())
            }
            Some("receipt" | "presence") => Ok(None),
            _ => {
                self.told
                    .push(format!("{} was told {frame}", name(self.number)));
                Ok(None)
            }
        }
    }

    /// It was handed a message.
    fn take(&mut self, life: &Life, message: &Value) -> Result<Option<Value>, String> {
        let (to, id) = (self.number, text(&message["id"])?);
        life.diary.add(&Fact::Handed { to, id: id.clone() })?;
        *self.handed.entry(id.clone()).or_default() += 1;
        self.flaws.late += u64::from(self.done.contains(&id));
        self.flaws.twice += u64::from(!self.here.insert(id.clone()));
        let word = word_of_answer(&id);
        if self.open.contains_key(&word) {
            return Ok(None);
        }
        let seq = message["seq"].as_u64().unwrap_or_default();
        let is_seen_first = seq.is_multiple_of(SEEN_ONE_IN);
        let stage = if is_seen_first { "seen" } else { "done" };
        Ok(Some(
            json!({"type": "ack", "id": id, "stage": stage, "ref": word}),
        ))
    }

    /// A request was answered. What it asks next about the same.
    fn answered(&mut self, life: &Life, word: &str, told: &Value) -> Result<Option<Value>, String> {
        let id = text(&told["id"])?;
        let Some(request) = self.open.remove(word) else {
            // It was asked again after a refusal, and both were answered.
            return Ok(None);
        };
        if request["type"] == "send" {
            let by = self.number;
            let number = word.trim_start_matches("m/").parse().unwrap_or_default();
            life.diary.add(&Fact::Stored {
                by,
                number,
                id: id.clone(),
            })?;
            self.sent.insert(number, id);
            return Ok(None);
        }
        if request["stage"] == "seen" {
            return Ok(Some(
                json!({"type": "ack", "id": id, "stage": "done", "ref": word}),
            ));
        }
        life.diary.add(&Fact::Done {
            to: self.number,
            id: id.clone(),
        })?;
        self.done.insert(id);
        Ok(None)
    }
}

fn word_of_message(number: u64) -> String {
    format!("m/{number}")
}

fn word_of_answer(id: &str) -> String {
    format!("a/{id}")
}

fn text(value: &Value) -> Result<String, String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| format!("not a text: {value}"))
}
