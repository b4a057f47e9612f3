//! Trial 5: the disk is full, and is freed. Posts are refused with the reason, reads go on, and
//! writing goes on as soon as there is room, without a restart.

use std::sync::Arc;
use std::time::Duration;

use agent_bridge::client::RestClient;
use rand::RngExt;
use rand::rngs::StdRng;

use super::Trying;
use super::faulty_disk::publishers::{Progress, Publishers, Said, client_name, room_name};
use super::faulty_disk::verdict::{Promises, Verdict};
use super::faulty_disk::{Bench, EARLY, EARLY_MAX, FORM, Workshop, judge_image, last_words};
use crate::chaos::machine::Orders;
use crate::chaos::outcome::Outcome;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::{Clock, nanos};

const CLIENTS: usize = 32;
const ROOMS: usize = 8;
/// Times that one server's disk fills up.
const FILLS_OF_ONE_SERVER: usize = 5;
/// Posts between two of them.
const POSTS: u64 = 200;
/// Bytes that are left when the disk begins to fill.
const LEFT_MAX: u64 = 512 * 1024;
/// How long it stays full: longer than the server waits before it checkpoints.
const FULL_MILLIS: std::ops::Range<u64> = 400..1_200;
/// Until something happens that must.
const WITHIN: Duration = Duration::from_secs(30);
/// Until the first acknowledgement on a disk that was freed. A client that was refused is silent for
/// a while; the rest is the server's.
const RECOVERED_WITHIN: Duration = Duration::from_secs(2);
const READ_EVERY: Duration = Duration::from_millis(20);
const STORAGE_FULL: &str = "storage_full";

#[derive(Default)]
struct Sum {
    /// The fault of the server, if it is not the real one.
    server: Option<&'static str>,
    fills: usize,
    servers: usize,
    went_wrong: u64,
    acknowledged: u64,
    refused: u64,
    /// Refusals with another word.
    other_refusals: u64,
    cut_off: u64,
    acknowledged_while_full: u64,
    reads: u64,
    reads_failed: u64,
    slowest_read_ms: f64,
    not_ready: u64,
    recovery_seconds: Vec<f64>,
    ended: u64,
    verdict: Verdict,
    first: Option<String>,
}

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(full_disks(setting))
}

async fn full_disks(setting: Setting) -> Result<Outcome, String> {
    let workshop = match Workshop::open(&setting)? {
        Ok(workshop) => workshop,
        Err(why) => return Ok(Outcome::not_run(why)),
    };
    let mut random = setting.random(0);
    let mut sum = Sum::default();
    while setting.more_rounds(sum.fills, 2, 60) {
        sum.server(&setting, &workshop, &mut random).await?;
    }
    let mut outcome = Outcome::new(FORM);
    sum.tell(&mut outcome);
    setting.at("control: a server that acknowledges early");
    let mut early = Sum {
        server: Some(EARLY),
        ..Sum::default()
    };
    while early.servers < EARLY_MAX && early.verdict.lost == 0 {
        early.server(&setting, &workshop, &mut random).await?;
    }
    let found = format!(
        "lost {} of {} on {} full disks",
        early.verdict.lost, early.verdict.checked, early.servers
    );
    let what = "a server that acknowledges before the commit";
    outcome.control(what, found, early.verdict.lost > 0);
    Ok(outcome)
}

impl Sum {
    /// One server whose disk fills up several times.
    async fn server(
        &mut self,
        setting: &Setting,
        workshop: &Workshop,
        random: &mut StdRng,
    ) -> Result<(), String> {
        let name = format!("{}-{}", self.server.unwrap_or("real"), self.servers);
        let mut bench = Bench::new(setting, workshop, &name)?;
        self.servers += 1;
        let server = bench.start(setting, self.server)?;
        let journal = Some(bench.control.journal());
        let mut publishers = Publishers::begin(&server, CLIENTS, ROOMS, journal);
        // Who cannot come in has nothing to post; that is not what is tried here.
        let all = |p: &Progress| p.entered == CLIENTS;
        publishers
            .until("everybody to come in", WITHIN, all)
            .await?;
        let mut moments = Vec::new();
        while moments.len() < FILLS_OF_ONE_SERVER
            && (moments.is_empty() || setting.more_rounds(self.fills, 2, 60))
        {
            match self
                .fill(&mut bench, &server, &mut publishers, random)
                .await
            {
                Ok(at) => moments.push(at),
                Err(why) => {
                    self.went_wrong += 1;
                    let words = last_words(&server);
                    self.first.get_or_insert(format!("{why}: {words}"));
                    break;
                }
            }
            self.fills += 1;
        }
        let said = publishers.stop().await?;
        drop(server);
        self.count(&said);
        self.judge(setting, &bench, said, &moments, random).await
    }

    /// Holds the files as they are, and as they were when the disk was full and the power went,
    /// against what was told.
    async fn judge(
        &mut self,
        setting: &Setting,
        bench: &Bench,
        said: Said,
        moments: &[u64],
        random: &mut StdRng,
    ) -> Result<(), String> {
        let journal = bench.journal()?;
        let folder = bench.folder.path();
        let promises = Promises::new(said.told, said.refused);
        for at in moments {
            let judged = judge_image(setting, &journal, &promises, folder, *at, random);
            self.verdict.add(judged.await?.0);
        }
        let start = Start::new(setting, folder)?;
        let verdict = promises.judge(start, folder, u64::MAX).await?;
        self.verdict.add(verdict);
        Ok(())
    }

    /// The disk fills up, is full for a while, and is freed. Returns the journal's length while it
    /// was full.
    async fn fill(
        &mut self,
        bench: &mut Bench,
        server: &Arc<Server>,
        publishers: &mut Publishers,
        random: &mut StdRng,
    ) -> Result<u64, String> {
        let wanted = publishers.progress().acknowledged + POSTS;
        publishers
            .until("posts on a good disk", WITHIN, |p| p.acknowledged >= wanted)
            .await?;
        let refused = publishers.progress().refused;
        let full = Orders {
            room: Some(random.random_range(0..=LEFT_MAX)),
            ..Orders::default()
        };
        bench.control.order(&full)?;
        publishers
            .until("a full disk", WITHIN, |p| {
                p.refused > refused || p.ended > 0
            })
            .await?;
        let length = Duration::from_millis(random.random_range(FULL_MILLIS));
        let before = publishers.progress().acknowledged;
        self.read(server, length).await?;
        let full_at = bench.control.journal_bytes()?;
        let progress = publishers.progress();
        self.acknowledged_while_full += progress.acknowledged - before;
        if progress.ended > 0 {
            let ended = progress.ended;
            return Err(format!("{ended} sessions ended while the disk was full"));
        }
        bench.control.order(&Orders::default())?;
        let clock = Clock::start();
        publishers
            .until("an acknowledgement on a disk that was freed", WITHIN, |p| {
                p.acknowledged > progress.acknowledged
            })
            .await?;
        self.recovery_seconds.push(clock.nanos() as f64 / 1e9);
        Ok(full_at)
    }

    /// Reads for as long as the disk is full.
    async fn read(&mut self, server: &Server, length: Duration) -> Result<(), String> {
        let rest = server.rest(&client_name(0))?;
        let clock = Clock::start();
        while clock.nanos() < nanos(length) {
            let begun = clock.nanos();
            if let Err(why) = read_once(&rest).await {
                self.reads_failed += 1;
                self.first.get_or_insert(why);
            }
            let took = (clock.nanos() - begun) as f64 / 1e6;
            self.slowest_read_ms = self.slowest_read_ms.max(took);
            self.reads += 1;
            self.not_ready += u64::from(rest.get(&["ready"], &[]).await.is_err());
            tokio::time::sleep(READ_EVERY).await;
        }
        Ok(())
    }

    fn count(&mut self, said: &Said) {
        self.acknowledged += said.acknowledged();
        for (why, times) in &said.ended {
            self.ended += times;
            self.first
                .get_or_insert_with(|| format!("a session ended: {why}"));
        }
        self.cut_off += said.unanswered;
        for (word, times) in &said.refusals {
            if word == STORAGE_FULL {
                self.refused += times;
            } else {
                self.other_refusals += times;
                self.first
                    .get_or_insert_with(|| format!("refused with {word}"));
            }
        }
    }

    fn tell(self, outcome: &mut Outcome) {
        outcome.figure("fills", self.fills);
        outcome.figure("acknowledged", self.acknowledged);
        outcome.figure("storage_full", self.refused);
        outcome.must_be_zero("broken_off", self.went_wrong);
        outcome.must_be_zero("other_refusals", self.other_refusals);
        outcome.must_be_zero("unanswered", self.cut_off);
        outcome.must_be_zero("sessions_ended", self.ended);
        outcome.figure("acknowledged_while_full", self.acknowledged_while_full);
        outcome.figure("reads_while_full", self.reads);
        outcome.must_be_zero("reads_failed", self.reads_failed);
        outcome.figure("slowest_read_ms", self.slowest_read_ms.round());
        outcome.must_be_zero("not_ready_while_full", self.not_ready);
        self.verdict.tell(outcome);
        let slowest = self.recovery_seconds.iter().copied().fold(0.0, f64::max);
        let bound = RECOVERED_WITHIN.as_secs_f64();
        outcome.at_most("seconds_to_recover", slowest, bound);
        if self.refused == 0 {
            outcome.flaw("no disk was ever full: nothing was tried");
        }
        if let Some(first) = self.first {
            outcome.flaw(first);
        }
    }
}

/// A page of a room's log.
async fn read_once(rest: &RestClient) -> Result<(), String> {
    let room = room_name(0);
    let query = [("after", "0".to_owned()), ("limit", "50".to_owned())];
    let page = rest.get(&["v1", "rooms", &room, "events"], &query).await;
    let page = page.map_err(|why| format!("a read on a full disk: {why}"))?;
    match page["items"].as_array() {
        Some(items) if !items.is_empty() => Ok(()),
        _ => Err(format!("a read on a full disk: {page}")),
    }
}
