//! Everybody who writes while the server is killed: publishers in rooms, and a ring of
//! correspondents.

mod ring;
mod tell;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::chaos::diary::{Diary, Fact};
use crate::chaos::history::History;
use crate::chaos::life::Life;
use crate::chaos::publisher::{Load, Publisher};
use crate::chaos::room_log::{self, Flaws, Post, RoomLog, client, lock, page};
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::Clock;
use ring::Ring;

const ROOMS: usize = 8;
const PUBLISHERS_A_ROOM: usize = 8;
/// Posts of one publisher that are not acknowledged yet.
const IN_FLIGHT: usize = 4;
/// When the server is killed, after the first acknowledgement of its life.
const KILLED_AFTER_MILLIS: std::ops::RangeInclusive<u64> = 50..=500;
/// The longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Posts of each publisher before a kill that waits for all of them.
const FEW_POSTS: u64 = 5;

/// Everybody, and the server's folder. Between two cycles there is no server.
#[derive(Debug)]
pub(super) struct Everybody {
    logs: Vec<Arc<Mutex<RoomLog>>>,
    publishers: Vec<Publisher>,
    ring: Ring,
    diary: Diary,
    epoch: String,
    /// How to start it the next time.
    start: Start,
    pub(super) kills: usize,
    /// From the start of the process to the first acknowledgement, in milliseconds.
    restarts: Vec<f64>,
    // The last to go.
    _folder: TempDir,
    _notes: TempDir,
}

impl Everybody {
    /// Makes the rooms. The history has a folder of its own.
    pub(super) async fn begin(
        setting: &Setting,
        start: impl Fn(&Setting, &Path) -> Result<Start, String>,
    ) -> Result<Self, String> {
        let (folder, notes) = (setting.folder()?, setting.folder()?);
        let diary = Diary::create(notes.path().join("history"))?;
        let server = start(setting, folder.path())?.go()?;
        let logs = (0..ROOMS).map(|n| Arc::new(Mutex::new(RoomLog::new(format!("room-{n}")))));
        let logs: Vec<_> = logs.collect();
        let publishers = 0..ROOMS * PUBLISHERS_A_ROOM;
        let publishers = publishers.map(|n| Publisher::new(n, &logs[n % ROOMS]));
        let publishers: Vec<_> = publishers.collect();
        for publisher in &publishers {
            enter(&server, publisher.number).await?;
        }
        let epoch = page(&server.rest(&client(0))?, "room-0", 0, 1).await?["epoch"].take();
        let ring = Ring::begin(&server).await?;
        Ok(Self {
            logs,
            publishers,
            ring,
            diary,
            epoch: epoch.as_str().unwrap_or_default().to_owned(),
            start: server.kill(),
            kills: 0,
            restarts: Vec::new(),
            _folder: folder,
            _notes: notes,
        })
    }

    /// Starts the server, lets everybody come back and write, and kills it.
    pub(super) async fn cycle(&mut self, random: &mut StdRng) -> Result<(), String> {
        let after = Duration::from_millis(random.random_range(KILLED_AFTER_MILLIS));
        self.live(false, async |_, _| {
            tokio::time::sleep(after).await;
            Ok(())
        })
        .await
    }

    /// Starts the server, lets everybody come back and write while something is done, from the first
    /// acknowledgement on, and kills it.
    pub(super) async fn live(
        &mut self,
        may_be_refused: bool,
        meanwhile: impl AsyncFnOnce(&mut Server, &Arc<Life>) -> Result<(), String>,
    ) -> Result<(), String> {
        let load = Load {
            in_flight: IN_FLIGHT,
            posts: None,
            may_be_refused,
        };
        let clock = Clock::start();
        let mut server = self.start.clone().go()?;
        let (life, lives) = self.send_out(&server, clock, load)?;
        let ring = self.ring.send_out(&server, &life, true)?;
        let first = within("the first acknowledgement", life.first_acknowledgement()).await?;
        self.restarts.push(first as f64 / 1e6);
        let done = meanwhile(&mut server, &life).await;
        life.is_about_to_be_killed();
        self.start = server.kill();
        self.kills += 1;
        self.come_home(lives).await?;
        self.ring.come_home(ring).await?;
        done
    }

    /// Lets everybody post a little, and kills the server as soon as everything is acknowledged: who
    /// acknowledges early has not written the last of it.
    pub(super) async fn kill_when_all_is_acknowledged(&mut self) -> Result<(), String> {
        let posted = self
            .publishers
            .iter()
            .map(|publisher| publisher.posted)
            .max();
        let load = Load {
            in_flight: IN_FLIGHT,
            posts: Some(posted.unwrap_or_default() + FEW_POSTS),
            may_be_refused: false,
        };
        let server = self.start.clone().go()?;
        let (_, lives) = self.send_out(&server, Clock::start(), load)?;
        self.come_home(lives).await?;
        self.start = server.kill();
        self.kills += 1;
        Ok(())
    }

    /// Lets everybody come back once more, until what is open is answered and every message has
    /// ended.
    pub(super) async fn settle(&mut self) -> Result<(), String> {
        let load = Load {
            in_flight: 0,
            posts: Some(0),
            may_be_refused: false,
        };
        let server = self.start.clone().go()?;
        let (life, lives) = self.send_out(&server, Clock::start(), load)?;
        self.come_home(lives).await?;
        self.ring.settle(&server, &life).await?;
        life.is_about_to_be_killed();
        self.start = server.kill();
        Ok(())
    }

    fn send_out(
        &mut self,
        server: &Server,
        clock: Clock,
        load: Load,
    ) -> Result<(Arc<Life>, JoinSet<Publisher>), String> {
        let life = Life::new(server.socket(), &self.epoch, &self.diary, clock);
        let life = Arc::new(life);
        let mut lives = JoinSet::new();
        for publisher in self.publishers.drain(..) {
            let token = server.token(&client(publisher.number))?;
            lives.spawn(publisher.live(Arc::clone(&life), token, load));
        }
        Ok((life, lives))
    }

    async fn come_home(&mut self, mut lives: JoinSet<Publisher>) -> Result<(), String> {
        while let Some(home) = within("everybody to come home", lives.join_next()).await? {
            let home = home.map_err(|why| format!("a publisher failed: {why}"))?;
            self.publishers.push(home);
        }
        self.publishers.sort_by_key(|publisher| publisher.number);
        Ok(())
    }

    /// Reads what the logs have got since the last time, and looks for what was acknowledged.
    pub(super) async fn look(&mut self) -> Result<(), String> {
        let server = self.start.clone().go()?;
        self.look_at_rooms(&server).await?;
        self.ring.look(&server).await?;
        self.start = server.kill();
        Ok(())
    }

    /// The same for posts alone: the end of a message that is lost would be waited for.
    pub(super) async fn look_for_posts(&mut self) -> Result<(), String> {
        let server = self.start.clone().go()?;
        self.look_at_rooms(&server).await?;
        self.start = server.kill();
        Ok(())
    }

    async fn look_at_rooms(&mut self, server: &Server) -> Result<(), String> {
        for (n, log) in self.logs.iter().enumerate() {
            room_log::read(log, &server.rest(&client(n))?).await?;
        }
        for publisher in &mut self.publishers {
            let mut log = lock(&self.logs[publisher.number % ROOMS]);
            let by = publisher.number;
            for (number, seq) in publisher.acknowledged.drain(..) {
                log.must_have(Post { by, number }, seq);
            }
        }
        Ok(())
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.publishers.iter().map(|p| p.acknowledged_total).sum()
    }

    pub(super) fn flaws(&self) -> Flaws {
        let mut flaws = Flaws::default();
        for log in &self.logs {
            flaws.add(lock(log).flaws.clone());
        }
        flaws
    }

    /// Holds the whole logs, read anew from their beginning, against the history as the disk has
    /// it, and against what was told of each position over all these lives.
    pub(super) async fn judge(&mut self) -> Result<Flaws, String> {
        self.look().await?;
        let server = self.start.clone().go()?;
        for (n, log) in self.logs.iter().enumerate() {
            lock(log).read_again();
            room_log::read(log, &server.rest(&client(n))?).await?;
        }
        for fact in History::read(&self.diary.path())? {
            if let Fact::Acknowledged { by, number, seq } = fact {
                lock(&self.logs[by % ROOMS]).must_have(Post { by, number }, seq);
            }
        }
        for publisher in &self.publishers {
            let mut log = lock(&self.logs[publisher.number % ROOMS]);
            log.must_have_no_more(publisher.number, publisher.posted);
        }
        self.start = server.kill();
        Ok(self.flaws())
    }
}

/// Makes the room of a publisher, or joins it.
async fn enter(server: &Server, number: usize) -> Result<(), String> {
    let rest = server.rest(&client(number))?;
    let room = format!("room-{}", number % ROOMS);
    let entered = if number < ROOMS {
        rest.post(&["v1", "rooms"], &json!({"room": room}), None)
            .await
    } else {
        let path = ["v1", "rooms", &room, "members", "me"];
        rest.put(&path, &json!({})).await
    };
    let refused = |why| format!("{} cannot enter {room}: {why}", client(number));
    entered.map(drop).map_err(refused)
}

/// Waits for something, but not for ever.
pub(super) async fn within<T>(what: &str, work: impl Future<Output = T>) -> Result<T, String> {
    let late = |_| format!("{what} took longer than {PATIENCE:?}");
    timeout(PATIENCE, work).await.map_err(late)
}
