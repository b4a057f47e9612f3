//! Clients that ask over REST, one thing after the other: some post, some read. Each answer must come in
//! time, and a refusal must say when to come again.

mod tally;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::everybody::within;
use crate::chaos::http::{Answer, Http};
use crate::chaos::life::Life;
use crate::chaos::room_log::{self, Post, RoomLog, client, lock};
use crate::chaos::server::Server;
use crate::clock::Clock;
use tally::Tally;

const WRITERS: usize = 16;
/// So many of them come only when a life has begun: when the database hangs, and a flood has filled
/// the queue.
const LATE_WRITERS: usize = 8;
const LATE_BY: Duration = Duration::from_secs(1);
/// More than may read at once.
const READERS: usize = 24;
/// Their numbers among the clients.
const FIRST: usize = 2_000;
const ROOM: &str = "asked";
/// Between an answer and the next question.
const PAUSE: Duration = Duration::from_millis(50);

/// All of them. Between two hangs they are at home.
#[derive(Debug)]
pub(super) struct Askers {
    log: Mutex<RoomLog>,
    writers: Vec<Asker>,
    readers: Vec<Asker>,
}

/// They are out.
#[derive(Debug)]
pub(super) struct Asking {
    stop: watch::Sender<bool>,
    lives: JoinSet<Asker>,
}

/// What one of them asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Writer,
    Reader,
}

#[derive(Debug)]
struct Asker {
    kind: Kind,
    number: usize,
    /// Posts that it has begun.
    posted: u64,
    acknowledged: Vec<(u64, u64)>,
    tally: Tally,
}

impl Askers {
    pub(super) fn new() -> Self {
        let all = |kind, count| {
            (0..count)
                .map(move |n| Asker::new(kind, FIRST + n))
                .collect()
        };
        Self {
            log: Mutex::new(RoomLog::new(ROOM)),
            writers: all(Kind::Writer, WRITERS),
            readers: all(Kind::Reader, READERS),
        }
    }

    /// Makes the room.
    pub(super) async fn enter(&self, server: &Server) -> Result<(), String> {
        let (room, path) = (
            json!({"room": ROOM}),
            ["v1", "rooms", ROOM, "members", "me"],
        );
        for n in 0..WRITERS.max(READERS) {
            let rest = server.rest(&client(FIRST + n))?;
            let entered = match n {
                0 => rest.post(&["v1", "rooms"], &room, None).await,
                _ => rest.put(&path, &json!({})).await,
            };
            entered.map_err(|why| format!("the room {ROOM}: {why}"))?;
        }
        Ok(())
    }

    pub(super) fn send_out(&mut self, server: &Server, life: &Arc<Life>) -> Result<Asking, String> {
        let stop = watch::Sender::new(false);
        let mut lives = JoinSet::new();
        let all = self.writers.drain(..).chain(self.readers.drain(..));
        for (place, asker) in all.enumerate() {
            let http = Http::new(server, &client(asker.number))?;
            let (life, stop) = (Arc::clone(life), stop.subscribe());
            lives.spawn(async move {
                if place < LATE_WRITERS {
                    life.may_begin().await;
                    tokio::time::sleep(LATE_BY).await;
                }
                asker.live(http, stop).await
            });
        }
        Ok(Asking { stop, lives })
    }

    /// Waits until everything that was begun is answered.
    pub(super) async fn come_home(&mut self, mut asking: Asking) -> Result<(), String> {
        asking.stop.send_replace(true);
        while let Some(home) = within("the askers to be answered", asking.lives.join_next()).await?
        {
            let home = home.map_err(|why| format!("an asker failed: {why}"))?;
            match home.kind {
                Kind::Writer => self.writers.push(home),
                Kind::Reader => self.readers.push(home),
            }
        }
        Ok(())
    }

    /// Holds what was acknowledged against the log.
    pub(super) async fn judge(&mut self, server: &Server) -> Result<(), String> {
        room_log::read(&self.log, &server.rest(&client(FIRST))?).await?;
        let mut log = lock(&self.log);
        for writer in &mut self.writers {
            let by = writer.number;
            for (number, seq) in writer.acknowledged.drain(..) {
                log.must_have(Post { by, number }, seq);
            }
            log.must_have_no_more(by, writer.posted);
        }
        Ok(())
    }
}

impl Asker {
    fn new(kind: Kind, number: usize) -> Self {
        Self {
            kind,
            number,
            posted: 0,
            acknowledged: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Asks one thing after the other, each until it is done. Gives up only what is refused for good.
    async fn live(mut self, http: Http, stop: watch::Receiver<bool>) -> Self {
        while !*stop.borrow() {
            loop {
                let clock = Clock::start();
                let answer = self.ask(&http).await;
                let took = clock.nanos();
                let again = self.take(answer);
                self.tally.took(took, again.is_some());
                let Some(rest) = again else {
                    break;
                };
                tokio::time::sleep(rest).await;
            }
            self.posted += u64::from(self.kind == Kind::Writer);
            tokio::time::sleep(PAUSE).await;
        }
        self
    }

    async fn ask(&self, http: &Http) -> Result<Answer, String> {
        if self.kind == Kind::Reader {
            let path = format!("/v1/rooms/{ROOM}/events?after=0&limit=10");
            return http.ask(Method::GET, &path, None, None).await;
        }
        let post = Post {
            by: self.number,
            number: self.posted,
        };
        let (path, key) = (
            format!("/v1/rooms/{ROOM}/messages"),
            self.posted.to_string(),
        );
        let body = json!({"text": post.text()});
        http.ask(Method::POST, &path, Some(&key), Some(&body)).await
    }

    /// Takes in an answer, and says after how long the same is to be asked again, if it is.
    fn take(&mut self, answer: Result<Answer, String>) -> Option<Duration> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                self.tally.others.push(format!("no answer: {why}"));
                return None;
            }
        };
        let seq = answer.body["seq"].as_u64();
        match (answer.status, self.kind, seq) {
            (200 | 201, Kind::Writer, Some(seq)) => {
                self.acknowledged.push((self.posted, seq));
                self.tally.done += 1;
                None
            }
            (200, Kind::Reader, _) => {
                self.tally.done += 1;
                None
            }
            _ => self.tally.refuse(&answer),
        }
    }
}
