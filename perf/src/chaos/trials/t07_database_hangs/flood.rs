//! Sessions that post more than the log's queue holds, at the moment at which the database hangs.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::chaos::diary::Diary;
use crate::chaos::life::Life;
use crate::chaos::outcome::Outcome;
use crate::chaos::publisher::{Load, Publisher};
use crate::chaos::room_log::{self, Flaws, Post, RoomLog, client, lock};
use crate::chaos::server::Server;
use crate::chaos::setting::Setting;
use crate::chaos::trials::everybody::within;
use crate::clock::Clock;

/// Each has a room of its own. Together they ask for more than
/// [`bridge_core::limits::LOG_QUEUE_DRAFTS_MAX`], and each for less than a session may.
const FLOODERS: usize = 10;
const POSTS: usize = 1_000;
/// Their numbers among the clients.
const FIRST: usize = 1_000;

/// All of them. Between two floods they are at home.
#[derive(Debug)]
pub(super) struct Flood {
    logs: Vec<Arc<Mutex<RoomLog>>>,
    publishers: Vec<Publisher>,
    floods: u64,
    /// A history of its own: the other one is about other rooms.
    diary: Diary,
    _notes: TempDir,
}

/// They are out, and wait for the word.
#[derive(Debug)]
pub(super) struct Flooding {
    life: Arc<Life>,
    lives: JoinSet<Publisher>,
}

impl Flooding {
    /// The life that begins with the word.
    pub(super) const fn life(&self) -> &Arc<Life> {
        &self.life
    }
}

impl Flood {
    pub(super) fn new(setting: &Setting) -> Result<Self, String> {
        let notes = setting.folder()?;
        let logs = (0..FLOODERS).map(|n| Arc::new(Mutex::new(RoomLog::new(format!("flood-{n}")))));
        let logs: Vec<_> = logs.collect();
        let publishers = logs.iter().enumerate();
        let publishers = publishers.map(|(n, log)| Publisher::new(FIRST + n, log));
        Ok(Self {
            publishers: publishers.collect(),
            logs,
            floods: 0,
            diary: Diary::create(notes.path().join("history"))?,
            _notes: notes,
        })
    }

    /// Makes the rooms.
    pub(super) async fn enter(&self, server: &Server) -> Result<(), String> {
        for (publisher, log) in self.publishers.iter().zip(&self.logs) {
            let room = json!({"room": lock(log).room});
            let rest = server.rest(&client(publisher.number))?;
            let made = rest.post(&["v1", "rooms"], &room, None).await;
            made.map_err(|why| format!("the room {room}: {why}"))?;
        }
        Ok(())
    }

    /// Everybody comes in, and posts when the life begins.
    pub(super) fn send_out(&mut self, server: &Server, life: &Life) -> Result<Flooding, String> {
        self.floods += 1;
        let load = Load {
            in_flight: POSTS,
            posts: Some(self.floods * POSTS as u64),
            may_be_refused: true,
        };
        let life = Life::new(life.server, &life.epoch, &self.diary, Clock::start()).not_begun();
        let life = Arc::new(life);
        let mut lives = JoinSet::new();
        for publisher in self.publishers.drain(..) {
            let token = server.token(&client(publisher.number))?;
            lives.spawn(publisher.live(Arc::clone(&life), token, load));
        }
        Ok(Flooding { life, lives })
    }

    /// Waits until everything is acknowledged.
    pub(super) async fn come_home(&mut self, flooding: Flooding) -> Result<(), String> {
        let mut lives = flooding.lives;
        while let Some(home) = within("the flood to be acknowledged", lives.join_next()).await? {
            self.publishers
                .push(home.map_err(|why| format!("a flooder failed: {why}"))?);
        }
        self.publishers.sort_by_key(|publisher| publisher.number);
        Ok(())
    }

    /// Holds what was acknowledged against the logs.
    pub(super) async fn judge(&mut self, server: &Server) -> Result<(), String> {
        for (publisher, log) in self.publishers.iter_mut().zip(&self.logs) {
            let by = publisher.number;
            room_log::read(log, &server.rest(&client(by))?).await?;
            let mut log = lock(log);
            for (number, seq) in publisher.acknowledged.drain(..) {
                log.must_have(Post { by, number }, seq);
            }
            log.must_have_no_more(by, publisher.posted);
        }
        Ok(())
    }

    pub(super) fn tell(&self, outcome: &mut Outcome) {
        let sum = |of: fn(&Publisher) -> u64| self.publishers.iter().map(of).sum::<u64>();
        let mut flaws = Flaws::default();
        for log in &self.logs {
            flaws.add(lock(log).flaws.clone());
        }
        outcome.figure("posts of the flood", sum(|p| p.acknowledged_total));
        let refused = sum(|p| p.refused.for_now);
        outcome.at_least("of them refused, times", refused as f64, 1.0);
        outcome.figure("and not known, times", sum(|p| p.refused.unknown));
        outcome.must_be_zero("lost, twice or elsewhere, of the flood", flaws.total());
        for flaw in flaws.told {
            outcome.flaw(flaw);
        }
        for flaw in self.publishers.iter().flat_map(|p| &p.flaws) {
            outcome.flaw(flaw);
        }
    }
}
