//! What is known of one receiver's messages, by those who send them and by itself.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::order::{Call, Got, out_of_order};
use crate::chaos::mail::{Mailer, instant};
use crate::clock::Clock;

/// One receiver. Numbers below [`URGENT`] are of the flood.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) name: String,
    pub(super) clock: Clock,
    /// Messages that were sent, and with which it is not done: all of them, and those of the flood.
    open: AtomicI64,
    backlog: AtomicI64,
    has_less: Notify,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    sent: HashMap<u64, u64>,
    stored: HashMap<u64, u64>,
    calls: Vec<Call>,
    arrived: Vec<(u64, u64)>,
}

/// From here on, numbers are of the trickle.
pub(super) const URGENT: u64 = 1 << 40;

impl Inbox {
    pub(super) fn new(name: String, clock: Clock) -> Self {
        Self {
            name,
            clock,
            open: AtomicI64::new(0),
            backlog: AtomicI64::new(0),
            has_less: Notify::new(),
            book: Mutex::default(),
        }
    }

    /// Whoever panicked while it held the book has left whole lines in it.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sending(&self, number: u64) {
        self.open.fetch_add(1, Ordering::Relaxed);
        let of_flood = i64::from(number < URGENT);
        self.backlog.fetch_add(of_flood, Ordering::Relaxed);
        self.book().sent.insert(number, self.clock.nanos());
    }

    pub(super) fn stored(&self, number: u64) {
        self.book().stored.insert(number, self.clock.nanos());
    }

    pub(super) fn backlog(&self) -> i64 {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Waits until it has less than this of the flood before it.
    pub(super) async fn until_less_than(&self, backlog: i64) {
        loop {
            let less = self.has_less.notified();
            if self.backlog() < backlog {
                return;
            }
            less.await;
        }
    }

    /// A message has come.
    fn arrives(&self, message: &Value) -> Result<Got, String> {
        let field = |name: &str| message[name].as_u64().unwrap_or_default();
        let number = message["text"].as_str().and_then(|text| text.parse().ok());
        let number = number.ok_or_else(|| format!("a stranger's message: {message}"))?;
        let now = self.clock.nanos();
        self.book().arrived.push((number, now));
        Ok(Got {
            number,
            priority: u8::try_from(field("priority")).unwrap_or(u8::MAX),
            at_millis: instant(message["at"].as_str().unwrap_or_default())?.as_millis(),
            seq: field("seq"),
        })
    }

    fn is_done_with(&self, number: u64) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        let of_flood = i64::from(number < URGENT);
        self.backlog.fetch_sub(of_flood, Ordering::Relaxed);
        self.has_less.notify_waiters();
    }

    fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }

    /// How long messages took to arrive that were sent between two moments: of the trickle, or of the
    /// flood.
    pub(super) fn took(&self, sent: std::ops::Range<u64>, is_urgent: bool) -> Vec<u64> {
        let book = self.book();
        let of = |(number, at): &(u64, u64)| {
            let began = *book.sent.get(number)?;
            let counts = sent.contains(&began) && (*number >= URGENT) == is_urgent;
            counts.then(|| at - began)
        };
        book.arrived.iter().filter_map(of).collect()
    }

    /// Messages that were sent and have not arrived.
    pub(super) fn missing(&self) -> u64 {
        let book = self.book();
        (book.sent.len() - book.arrived.len()) as u64
    }

    pub(super) fn out_of_order(&self) -> u64 {
        let book = self.book();
        out_of_order(&book.calls, &book.stored)
    }

    /// The same if the calls had come in the other order, which must be found to be wrong.
    pub(super) fn out_of_order_backwards(&self) -> u64 {
        let book = self.book();
        let mut calls = book.calls.clone();
        let last = calls.last().map_or(0, |call| call.began);
        calls.reverse();
        calls.iter_mut().for_each(|call| call.began = last);
        out_of_order(&calls, &book.stored)
    }

    /// Calls at a steady pace, takes a few messages each time, and is thereby done with those before.
    pub(super) async fn call(
        &self,
        mailer: &Mailer,
        every: Duration,
        messages: usize,
        mut stopping: watch::Receiver<bool>,
    ) -> Result<(), String> {
        let mut pace = interval(every);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut after, mut taken) = (None, Vec::new());
        while !*stopping.borrow_and_update() || self.is_open() {
            pace.tick().await;
            let began = self.clock.nanos();
            let page = mailer.take(after.as_deref(), messages).await?;
            taken.drain(..).for_each(|number| self.is_done_with(number));
            let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
            let got = items.iter().map(|item| self.arrives(item));
            let got = got.collect::<Result<Vec<Got>, String>>()?;
            taken.extend(got.iter().map(|got| got.number));
            if !got.is_empty() {
                self.book().calls.push(Call { began, got });
            }
            after = page["next"].as_str().map(str::to_owned);
        }
        Ok(())
    }

    /// Hears everything at once over a session, and is done with one after the other at a steady pace.
    pub(super) async fn listen(
        &self,
        mailer: &Mailer,
        every: Duration,
        mut stopping: watch::Receiver<bool>,
    ) -> Result<(), String> {
        let mut peer = mailer.session().await?;
        let mut pace = interval(every);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = std::collections::VecDeque::new();
        while !*stopping.borrow_and_update() || self.is_open() {
            tokio::select! {
                frame = peer.came() => {
                    let frame = frame?;
                    if frame["type"] == "message" {
                        let got = self.arrives(&frame)?;
                        heard.push_back((got.number, frame["id"].clone()));
                    }
                }
                _ = pace.tick() => if let Some((number, id)) = heard.pop_front() {
                    let ack = serde_json::json!({"type": "ack", "id": id, "stage": "done"});
                    peer.send(&ack).await?;
                    self.is_done_with(number);
                },
            }
        }
        Ok(())
    }
}
