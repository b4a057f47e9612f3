//! The world, tick by tick.

mod carry_out;
mod serve;

use std::collections::BTreeMap;

use bridge_core::command::RoomCommand;
use bridge_core::decision::Verdict;
use bridge_core::fake::{CountingIds, ManualClock, MemoryStore};
use bridge_core::owner::Request;
use bridge_core::ports::{Clock, Snapshot};
use bridge_core::room::SNAPSHOT_FORMAT;
use bridge_core::{Epoch, MessageId, Timestamp};

use crate::checker::{Mirror, Violation};
use crate::clients::Intent;
use crate::house::House;
use crate::network::Network;
use crate::plan::Plan;
use crate::readers::{Reader, head};
use crate::rng::Rng;
use crate::ticket::{Inbox, Ticket};
use crate::writer::Writer;

/// How many ticks the world may take to settle when nothing fails any more.
const SETTLES_WITHIN: usize = 3_000;

/// What happened in a run, so that a run in which nothing happened is noticed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Stats {
    records: usize,
    receipts: u64,
    repeats: u64,
    repeats_after_forgetting: u64,
    misuses_refused: u64,
    outcomes_unknown: u64,
    look_ups: u64,
    faults: u64,
    reloads: u64,
    owners_killed: u64,
    processes_killed: u64,
    fell_asleep: u64,
    clock_jumps: u64,
    saved_by_the_log: u64,
    logs_broken: u64,
    unanswered_reads: u64,
    requests_lost: u64,
    requests_made_twice: u64,
    requests_overtaken: u64,
    answers_lost: u64,
    decided: BTreeMap<Verdict, u64>,
}

impl Stats {
    pub(crate) fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.receipts += other.receipts;
        self.repeats += other.repeats;
        self.repeats_after_forgetting += other.repeats_after_forgetting;
        self.misuses_refused += other.misuses_refused;
        self.outcomes_unknown += other.outcomes_unknown;
        self.look_ups += other.look_ups;
        self.faults += other.faults;
        self.reloads += other.reloads;
        self.owners_killed += other.owners_killed;
        self.processes_killed += other.processes_killed;
        self.fell_asleep += other.fell_asleep;
        self.clock_jumps += other.clock_jumps;
        self.saved_by_the_log += other.saved_by_the_log;
        self.logs_broken += other.logs_broken;
        self.unanswered_reads += other.unanswered_reads;
        self.requests_lost += other.requests_lost;
        self.requests_made_twice += other.requests_made_twice;
        self.requests_overtaken += other.requests_overtaken;
        self.answers_lost += other.answers_lost;
        for (verdict, times) in &other.decided {
            *self.decided.entry(*verdict).or_default() += times;
        }
    }

    pub(crate) const fn records(&self) -> u64 {
        self.records as u64
    }

    /// A search that never met a hard case has proved nothing about it.
    pub(crate) fn everything_happened(&self) {
        let counts = [
            ("repeats", self.repeats),
            (
                "repeats that only the log knew",
                self.repeats_after_forgetting,
            ),
            (
                "repeats that the room would have refused",
                self.saved_by_the_log,
            ),
            ("misused keys", self.misuses_refused),
            ("unknown outcomes", self.outcomes_unknown),
            ("look-ups", self.look_ups),
            ("faults", self.faults),
            ("reloads", self.reloads),
            ("killed owners", self.owners_killed),
            ("killed processes", self.processes_killed),
            ("sleeping owners", self.fell_asleep),
            ("clock jumps", self.clock_jumps),
            ("broken logs", self.logs_broken),
            ("reads without an answer", self.unanswered_reads),
            ("lost requests", self.requests_lost),
            ("requests made twice", self.requests_made_twice),
            ("requests overtaken", self.requests_overtaken),
            ("lost answers", self.answers_lost),
        ];
        for (what, count) in counts {
            assert!(count >= 5, "only {count} {what} in all runs");
        }
        for verdict in Verdict::ALL {
            let times = self.decided.get(verdict).copied().unwrap_or_default();
            assert!(
                times >= 5,
                "only {times} motions were {verdict} in all runs"
            );
        }
        assert!(
            self.records > 5_000,
            "only {} records in all runs",
            self.records
        );
    }
}

pub(crate) struct World {
    plan: Plan,
    rng: Rng,
    clock: ManualClock,
    ids: CountingIds,
    store: MemoryStore,
    writer: Writer,
    houses: Vec<House>,
    mirrors: Vec<Mirror>,
    readers: Vec<Reader>,
    intents: Vec<Intent>,
    /// When which intent is tried again.
    again: Vec<(usize, usize)>,
    /// Messages that owners want to know of, with the requests that need them, and requests that
    /// wait behind those.
    look_ups: Vec<(usize, Option<MessageId>, Request<RoomCommand, Ticket>)>,
    network: Network,
    inbox: Inbox,
    now: usize,
    stats: Stats,
}

impl World {
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        let store = MemoryStore::new(Epoch::from_uuid(uuid::Uuid::from_u128(1)));
        let rooms = 0..plan.rooms;
        let ids = rooms.map(|n| format!("Room-{n}").parse().expect("a valid name"));
        let houses: Vec<House> = ids.map(House::new).collect();
        Self {
            plan,
            rng: Rng::new(seed),
            clock: ManualClock::at(1_700_000_000_000),
            ids: CountingIds::default(),
            writer: Writer::new(store.clone()),
            store,
            mirrors: houses.iter().map(|house| Mirror::new(&house.id)).collect(),
            readers: (0..plan.readers)
                .map(|n| Reader::new(n % plan.rooms))
                .collect(),
            houses,
            intents: Vec::new(),
            again: Vec::new(),
            look_ups: Vec::new(),
            network: Network::default(),
            inbox: Inbox::default(),
            now: 0,
            stats: Stats::default(),
        }
    }

    pub(crate) fn run(mut self) -> Result<Stats, Violation> {
        while self.now < self.plan.ticks {
            self.wish();
            self.things_break();
            self.tick()?;
        }
        self.writer.is_sound = true;
        self.network.is_sound = true;
        while !self.is_settled() {
            if self.now > self.plan.ticks + SETTLES_WITHIN {
                return Err("the world does not settle: somebody waits for ever".to_owned());
            }
            self.tick()?;
        }
        self.everything_is_accounted_for()?;
        self.stats.faults = self.writer.faults;
        self.stats.requests_lost = self.network.lost;
        self.stats.requests_made_twice = self.network.twice;
        self.stats.requests_overtaken = self.network.overtaken;
        self.stats.answers_lost = self.network.answers_lost;
        for verdict in self.mirrors.iter().flat_map(Mirror::verdicts) {
            *self.stats.decided.entry(verdict).or_default() += 1;
        }
        self.stats.records = self.mirrors.iter().map(Mirror::len).sum();
        Ok(self.stats)
    }

    fn tick(&mut self) -> Result<(), Violation> {
        self.now += 1;
        self.turn_the_clock();
        if self.writer.is_broken && self.rng.one_in(3) {
            self.stats.logs_broken += 1;
            self.kill_the_process();
        }
        self.try_again();
        self.arrive()?;
        self.look_up()?;
        self.read_rooms()?;
        if self.rng.below(3) > 0 {
            self.write();
        }
        self.hear_answers()?;
        self.keep_snapshots();
        self.fall_asleep();
        for reader in &mut self.readers {
            reader.act(&mut self.rng, &self.houses[reader.house], &self.store)?;
        }
        self.open_the_inbox()?;
        self.check()
    }

    fn at(&self) -> Timestamp {
        self.clock.now()
    }

    fn turn_the_clock(&mut self) {
        let millis = if self.rng.one_in(30) {
            self.stats.clock_jumps += 1;
            self.rng.between(-60_000, 60_000)
        } else {
            self.rng.between(0, 500)
        };
        self.clock.turn(millis);
    }

    fn write(&mut self) {
        for answered in self.writer.step(&mut self.rng, &self.plan) {
            self.houses[answered.house].answers.push_back(answered);
        }
    }

    fn keep_snapshots(&mut self) {
        for house in &self.houses {
            let Some(home) = &house.home else { continue };
            if !self.rng.one_in(25) || home.owner.is_loading() {
                continue;
            }
            let room = home.owner.state();
            if let Some(body) = room.to_snapshot() {
                let snapshot = Snapshot {
                    seq: room.head(),
                    format: SNAPSHOT_FORMAT,
                    body: body.into(),
                };
                self.writer.save_snapshot(&house.stream(), &snapshot);
            }
        }
    }

    fn fall_asleep(&mut self) {
        for n in 0..self.houses.len() {
            if self.houses[n].home.is_some() && self.houses[n].is_idle() && self.rng.one_in(30) {
                self.houses[n].home = None;
                self.stats.fell_asleep += 1;
                self.let_go_of_readers(n);
            }
        }
    }

    fn let_go_of_readers(&mut self, house: usize) {
        for reader in self
            .readers
            .iter_mut()
            .filter(|reader| reader.house == house)
        {
            reader.disconnect(&mut self.rng, Epoch::from_uuid(uuid::Uuid::from_u128(1)));
        }
    }

    fn things_break(&mut self) {
        if self.rng.one_in(self.plan.crash_one_in) {
            let house = self.rng.below(self.houses.len());
            self.kill_an_owner(house);
        }
        if self.rng.one_in(self.plan.crash_one_in * 10) {
            self.kill_the_process();
        }
    }

    /// Its tickets are dropped with it. What it left in the writer's queue is written or dropped
    /// before its successor reads the log: that is the fence.
    fn kill_an_owner(&mut self, n: usize) {
        self.stats.owners_killed += 1;
        self.houses[n].home = None;
        if self.rng.one_in(2) {
            self.writer.drop_work_of(n);
        }
        while self.writer.work_of(n) > 0 {
            self.write();
        }
        self.let_go_of_readers(n);
    }

    /// Only the store is left.
    fn kill_the_process(&mut self) {
        self.stats.processes_killed += 1;
        self.writer.begin_anew(self.store.clone());
        self.look_ups.clear();
        for n in 0..self.houses.len() {
            self.houses[n].home = None;
            self.let_go_of_readers(n);
        }
    }

    fn is_settled(&self) -> bool {
        let nobody_waits = self.intents.iter().all(|intent| intent.under_way == 0);
        nobody_waits
            && self.again.is_empty()
            && self.network.is_empty()
            && self.look_ups.is_empty()
            && self.writer.is_empty()
            && self.inbox.borrow().is_empty()
            && self.houses.iter().all(House::is_idle)
    }

    fn check(&mut self) -> Result<(), Violation> {
        for (house, mirror) in self.houses.iter().zip(&mut self.mirrors) {
            mirror.look(&self.store)?;
            let Some(home) = &house.home else { continue };
            mirror.compare(home)?;
        }
        for reader in self.readers.iter().filter(|reader| reader.is_live()) {
            let home = self.houses[reader.house].home.as_ref();
            let tail = home.and_then(|home| home.tail.as_ref());
            let told = tail.map(|tail| tail.head());
            if reader.has_seen() != told {
                return Err(format!(
                    "a live reader is at {:?} of {told:?}",
                    reader.has_seen()
                ));
            }
        }
        Ok(())
    }

    /// Every receipt stands for one record, and what was refused for certain is nowhere.
    fn everything_is_accounted_for(&self) -> Result<(), Violation> {
        for (n, mirror) in self.mirrors.iter().enumerate() {
            mirror.is_unchanged(&self.store)?;
            let texts = mirror.texts();
            for intent in self.intents.iter().filter(|intent| intent.house == n) {
                let Some(text) = intent.text() else { continue };
                let times = texts.get(text).copied().unwrap_or_default();
                let fits = match (intent.receipt, intent.may_be_written) {
                    _ if intent.is_misuse => times == 0,
                    (Some(_), _) => times == 1,
                    (None, true) => times <= 1,
                    (None, false) => times == 0,
                };
                if !fits {
                    return Err(format!(
                        "{text:?} with the receipt {:?} stands {times} times in the log",
                        intent.receipt
                    ));
                }
            }
        }
        for (house, mirror) in self.houses.iter().zip(&self.mirrors) {
            let head = head(&self.store, &house.stream()).get();
            if head != mirror.len() as u64 {
                return Err(format!("{} has the head {head}", house.id));
            }
        }
        Ok(())
    }
}
