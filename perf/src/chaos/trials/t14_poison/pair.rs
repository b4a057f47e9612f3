//! Two who talk: one sends, the other is done with what it gets, and then the next is sent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::poisoned;
use crate::chaos::mail::Mailer;
use crate::chaos::peer::Peer;
use crate::clock::{Clock, nanos};
use crate::figures::Latencies;

/// Messages of a pair that are under way.
const IN_FLIGHT: u64 = 4;
/// One message of so many is poison.
pub(super) const ONE_IN: u64 = 100;

/// What all pairs share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    /// Messages whose recipient is done with them.
    pub(super) done: AtomicU64,
    /// Whether poison is sent now.
    pub(super) is_poisoned: AtomicBool,
    /// Who is poisoned, in turn.
    pub(super) victims: u64,
    /// When a message is late.
    late: u64,
    /// What was sent to the victims: poison, and messages beside it.
    sent: Mutex<Sent>,
}

/// Messages to the victims, each with its victim.
#[derive(Debug, Default, Clone)]
pub(super) struct Sent {
    pub(super) poison: Vec<(String, u64)>,
    pub(super) innocent: Vec<(String, u64)>,
}

/// What one pair has seen.
#[derive(Debug)]
pub(super) struct Seen {
    /// From sending a message until its recipient was told that it is done.
    pub(super) latencies: Latencies,
    pub(super) late: u64,
    pub(super) refused: u64,
}

impl Shared {
    pub(super) fn new(victims: u64, late: Duration) -> Self {
        Self {
            clock: Clock::start(),
            done: AtomicU64::new(0),
            is_poisoned: AtomicBool::new(false),
            victims,
            late: nanos(late),
            sent: Mutex::default(),
        }
    }

    pub(super) fn sent(&self) -> Sent {
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, stored: &Value, text: &str, victim: u64) {
        let id = stored["id"].as_str().unwrap_or_default().to_owned();
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let list = match text {
            poisoned::POISON => &mut sent.poison,
            _ => &mut sent.innocent,
        };
        list.push((id, victim));
    }
}

pub(super) struct Pair {
    sender: Peer,
    receiver: Peer,
    to: String,
    shared: Arc<Shared>,
    next: u64,
    /// When each was sent that is not done.
    open: HashMap<u64, u64>,
    /// Answers about poison that the sender waits for.
    owed: u64,
    seen: Seen,
}

impl Pair {
    pub(super) async fn meet(
        sender: &Mailer,
        receiver: &Mailer,
        shared: Arc<Shared>,
    ) -> Result<Self, String> {
        let (receiver, to) = (receiver.session().await?, receiver.name.clone());
        Ok(Self {
            sender: sender.silent().await?,
            receiver,
            to,
            shared,
            next: 0,
            open: HashMap::new(),
            owed: 0,
            seen: Seen {
                latencies: Latencies::new(),
                late: 0,
                refused: 0,
            },
        })
    }

    /// Talks until it is stopped, and then until everything is done.
    pub(super) async fn talk(
        mut self,
        mut stopping: watch::Receiver<bool>,
    ) -> Result<Seen, String> {
        for _ in 0..IN_FLIGHT {
            self.send();
        }
        let mut goes_on = true;
        while goes_on || !self.open.is_empty() || self.owed > 0 {
            self.sender.flush().await?;
            self.receiver.flush().await?;
            tokio::select! {
                frame = self.sender.came() => self.answered(&frame?),
                frame = self.receiver.came() => self.came(&frame?, goes_on),
                changed = stopping.changed(), if goes_on => {
                    goes_on = changed.is_ok() && !*stopping.borrow();
                }
            }
        }
        Ok(self.seen)
    }

    fn send(&mut self) {
        let number = self.next;
        self.next += 1;
        self.open.insert(number, self.shared.clock.nanos());
        self.sender.queue(&json!({
            "type": "send", "to": self.to, "text": number.to_string(), "ref": number.to_string(),
        }));
    }

    fn answered(&mut self, frame: &Value) {
        let about = frame["ref"].as_str().and_then(|word| word.split_once(' '));
        self.seen.refused += u64::from(frame["type"] == "rejected");
        if let Some((text, victim)) = about {
            self.owed -= 1;
            self.shared
                .note(frame, text, victim.parse().unwrap_or_default());
        }
    }

    fn came(&mut self, frame: &Value, goes_on: bool) {
        if frame["type"] == "message" {
            let ack = json!({
                "type": "ack", "id": frame["id"], "stage": "done", "ref": frame["text"],
            });
            self.receiver.queue(&ack);
            return;
        }
        let number = frame["ref"].as_str().and_then(|word| word.parse().ok());
        let Some(sent) = number.and_then(|number: u64| self.open.remove(&number)) else {
            return;
        };
        if frame["type"] != "stored" {
            self.seen.refused += 1;
        }
        let took = self.shared.clock.nanos() - sent;
        self.seen.latencies.record(took);
        self.seen.late += u64::from(took > self.shared.late);
        let done = self.shared.done.fetch_add(1, Ordering::Relaxed) + 1;
        if goes_on {
            self.send();
        }
        if done.is_multiple_of(ONE_IN - 1) {
            self.poison(done / (ONE_IN - 1) % self.shared.victims);
        }
    }

    /// Poison for somebody else, and what has the bad luck to come with it. While nobody is poisoned,
    /// as many messages that do no harm, so that all that differs is the poison.
    fn poison(&mut self, victim: u64) {
        let poison = match self.shared.is_poisoned.load(Ordering::Relaxed) {
            true => poisoned::POISON,
            false => poisoned::INNOCENT,
        };
        for text in [poisoned::INNOCENT, poison, poisoned::INNOCENT] {
            self.sender.queue(&json!({
                "type": "send", "to": poisoned::name(victim), "text": text, "keep": true,
                "ref": format!("{text} {victim}"),
            }));
            self.owed += 1;
        }
    }
}
