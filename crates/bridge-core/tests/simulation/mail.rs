//! A world of mailboxes: messages come in, are handed to sessions and to calls, are acknowledged in
//! every order, come back and run out of time, while batches fail, outcomes get lost, owners and
//! the process die, and the clock jumps.

mod checker;
mod desk;
mod serve;
mod sessions;
mod shell;
mod wishes;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bridge_core::fake::{CountingIds, ManualClock, MemoryStore};
use bridge_core::mailbox::{Due, Found, MailboxCommand, Rules, SNAPSHOT_FORMAT};
use bridge_core::owner::Request;
use bridge_core::ports::{Clock, Snapshot};
use bridge_core::steady::Steady;
use bridge_core::{Epoch, MessageId, Seq, Timestamp};

use crate::checker::Violation;
use crate::clients::name;
use crate::network::Network;
use crate::plan::Plan;
use crate::rng::Rng;
use crate::ticket::{Inbox, Ticket};
use crate::writer::Writer;
use checker::Mirror;
use desk::Desk;
use wishes::Intent;

/// How many ticks the world may take to settle when nothing fails any more. The clock runs fast
/// then, so that everything ends.
const SETTLES_WITHIN: usize = 3_000;

/// How many seeds a run takes when nobody says otherwise: two of each plan, three or four seconds.
const SEEDS: u64 = 16;

/// Short, so that leases run out within a run.
const RULES: Rules = Rules {
    lease_millis: 8_000,
    call_lease_millis: 15_000,
    attempts_max: 3,
};

/// What must have happened in a search: one that never met a hard case has proved nothing about it.
const EVERYTHING: [&str; 32] = [
    "broken logs",
    "reads without an answer",
    "lost requests",
    "requests made twice",
    "requests overtaken",
    "lost answers",
    "messages",
    "receipts",
    "repeats",
    "repeats that only the log knew",
    "misused keys",
    "unknown outcomes",
    "nothing to do",
    "nothing to do, with a key",
    "look-ups",
    "faults",
    "reloads",
    "killed owners",
    "killed processes",
    "sleeping owners",
    "clock jumps",
    "written to sessions",
    "lost sessions",
    "sweeps",
    "returned by calls",
    "lease_extended",
    "message_returned",
    "message_seen",
    "message_done",
    "message_expired",
    "message_died",
    "reopened",
];

/// What happened in a run, by name.
type Stats = BTreeMap<&'static str, u64>;

/// What was asked for in the server's own name, of which it wants to know what became.
enum Errand {
    /// Written to a session.
    Handed(Vec<(Seq, u32)>),
}

/// A request that waits for a look-up: what for, and what was found.
type LookUp = (
    usize,
    Option<MessageId>,
    Option<Found>,
    Request<MailboxCommand, Ticket>,
);

struct World {
    plan: Plan,
    rng: Rng,
    clock: ManualClock,
    steady: RefCell<Steady>,
    ids: CountingIds,
    store: MemoryStore,
    writer: Writer,
    desks: Vec<Desk>,
    mirrors: Vec<Mirror>,
    intents: Vec<Intent>,
    errands: BTreeMap<usize, Errand>,
    /// When which intent is tried again.
    again: Vec<(usize, usize)>,
    look_ups: Vec<LookUp>,
    /// What the store said was due, on its way to the mailbox.
    sweeps: Vec<(usize, Due)>,
    /// Messages of which somebody was told that they have ended.
    finished: HashSet<(usize, Seq)>,
    network: Network,
    inbox: Inbox,
    now: usize,
    stats: Stats,
}

impl World {
    fn new(seed: u64, plan: Plan) -> Self {
        let store = MemoryStore::new(Epoch::from_uuid(uuid::Uuid::from_u128(1)));
        let desks: Vec<Desk> = (0..plan.rooms).map(|n| Desk::new(name(n))).collect();
        let clock = ManualClock::at(1_700_000_000_000);
        Self {
            plan,
            rng: Rng::new(seed),
            steady: RefCell::new(Steady::begin(clock.now(), clock.moment())),
            clock,
            ids: CountingIds::default(),
            writer: Writer::new(store.clone()),
            store,
            mirrors: desks.iter().map(|desk| Mirror::new(&desk.client)).collect(),
            desks,
            intents: Vec::new(),
            errands: BTreeMap::new(),
            again: Vec::new(),
            look_ups: Vec::new(),
            sweeps: Vec::new(),
            finished: HashSet::new(),
            network: Network::default(),
            inbox: Inbox::default(),
            now: 0,
            stats: Stats::new(),
        }
    }

    fn run(mut self) -> Result<Stats, Violation> {
        while self.now < self.plan.ticks {
            self.wish();
            self.things_break();
            self.tick()?;
        }
        self.writer.is_sound = true;
        self.network.is_sound = true;
        loop {
            let left = self.left();
            if left.is_empty() {
                break;
            }
            if self.now > self.plan.ticks + SETTLES_WITHIN {
                return Err(format!("the world does not settle: {left:?} never end"));
            }
            self.clock.turn(20_000);
            self.tick()?;
        }
        self.everything_is_accounted_for()?;
        self.count_by("faults", self.writer.faults);
        self.count_by("lost requests", self.network.lost);
        self.count_by("requests made twice", self.network.twice);
        self.count_by("requests overtaken", self.network.overtaken);
        self.count_by("lost answers", self.network.answers_lost);
        let records = self.mirrors.iter().map(Mirror::len).sum::<usize>();
        self.count_by("records", records as u64);
        let messages = self.mirrors.iter().map(|mirror| mirror.tracks.len());
        self.count_by("messages", messages.sum::<usize>() as u64);
        Ok(self.stats)
    }

    fn tick(&mut self) -> Result<(), Violation> {
        self.now += 1;
        self.turn_the_clock();
        if self.writer.is_broken && self.rng.one_in(3) {
            self.count("broken logs");
            self.kill_the_process();
        }
        self.try_again();
        self.arrive()?;
        self.look_up()?;
        self.sweep()?;
        self.sessions()?;
        self.read_mailboxes()?;
        if self.rng.below(3) > 0 {
            self.write();
        }
        self.hear_answers()?;
        self.keep_snapshots();
        self.fall_asleep();
        self.open_the_inbox()?;
        for (desk, mirror) in self.desks.iter().zip(&mut self.mirrors) {
            mirror.look(&self.store)?;
            let Some(home) = &desk.home else { continue };
            mirror.compare(home)?;
        }
        Ok(())
    }

    fn count(&mut self, what: &'static str) {
        self.count_by(what, 1);
    }

    fn count_by(&mut self, what: &'static str, times: u64) {
        *self.stats.entry(what).or_default() += times;
    }

    fn at(&self) -> Timestamp {
        let (wall, now) = (self.clock.now(), self.clock.moment());
        self.steady.borrow_mut().now(wall, now)
    }

    fn turn_the_clock(&mut self) {
        if self.rng.one_in(25) {
            self.count("clock jumps");
            self.clock.set(self.rng.between(-30_000, 40_000));
        }
        self.clock.turn(self.rng.between(0, 600));
    }

    fn write(&mut self) {
        for answered in self.writer.step(&mut self.rng, &self.plan) {
            self.desks[answered.house].answers.push_back(answered);
        }
    }

    fn keep_snapshots(&mut self) {
        for desk in &self.desks {
            let Some(home) = &desk.home else { continue };
            if !self.rng.one_in(25) || home.owner.is_loading() {
                continue;
            }
            let mailbox = home.owner.state();
            if let Some(body) = mailbox.to_snapshot() {
                let snapshot = Snapshot {
                    seq: bridge_core::aggregate::Aggregate::head(mailbox),
                    format: SNAPSHOT_FORMAT,
                    body: body.into(),
                };
                self.writer.save_snapshot(&desk.stream(), &snapshot);
            }
        }
    }

    fn fall_asleep(&mut self) {
        for n in 0..self.desks.len() {
            let desk = &self.desks[n];
            let may_sleep = desk.home.is_some() && desk.session.is_none() && desk.is_idle();
            if may_sleep && self.rng.one_in(20) {
                self.desks[n].lose_home();
                self.count("sleeping owners");
            }
        }
    }

    fn things_break(&mut self) {
        if self.rng.one_in(self.plan.crash_one_in) {
            let n = self.rng.below(self.desks.len());
            self.kill_an_owner(n);
        }
        if self.rng.one_in(self.plan.crash_one_in * 10) {
            self.kill_the_process();
        }
    }

    /// Its tickets are dropped with it. What it left in the writer's queue is written or dropped
    /// before its successor reads the log: that is the fence.
    fn kill_an_owner(&mut self, n: usize) {
        self.count("killed owners");
        self.desks[n].lose_home();
        if self.rng.one_in(2) {
            self.writer.drop_work_of(n);
        }
        while self.writer.work_of(n) > 0 {
            self.write();
        }
    }

    /// Only the store is left.
    fn kill_the_process(&mut self) {
        self.count("killed processes");
        self.steady = RefCell::new(Steady::begin(self.clock.now(), self.clock.moment()));
        self.writer.begin_anew(self.store.clone());
        self.look_ups.clear();
        self.sweeps.clear();
        for desk in &mut self.desks {
            desk.lose_home();
        }
    }

    /// What is still going on.
    fn left(&self) -> Vec<&'static str> {
        let is_under_way = self.intents.iter().any(|intent| intent.under_way > 0);
        let all = [
            ("intents", is_under_way),
            ("repeats", !self.again.is_empty()),
            ("requests on their way", !self.network.is_empty()),
            ("look-ups", !self.look_ups.is_empty()),
            ("sweeps", !self.sweeps.is_empty()),
            ("writes", !self.writer.is_empty()),
            ("answers", !self.inbox.borrow().is_empty()),
            ("owners", !self.desks.iter().all(Desk::is_idle)),
            ("messages", !self.mirrors.iter().all(Mirror::is_over)),
        ];
        let left = all.into_iter().filter(|(_, is_left)| *is_left);
        left.map(|(what, _)| what).collect()
    }

    /// Every receipt stands for one record, what was refused for certain is nowhere, and nothing
    /// that was there has changed.
    fn everything_is_accounted_for(&self) -> Result<(), Violation> {
        for (n, mirror) in self.mirrors.iter().enumerate() {
            mirror.is_unchanged(&self.store)?;
            let mut texts: BTreeMap<String, usize> = BTreeMap::new();
            for text in mirror.log().iter().filter_map(shell::text_of) {
                *texts.entry(text.to_owned()).or_default() += 1;
            }
            for intent in self.intents.iter().filter(|intent| intent.desk == n) {
                let Some(text) = intent.text() else { continue };
                let times = texts.get(text).copied().unwrap_or_default();
                let fits = match (intent.receipt, intent.may_be_written) {
                    _ if intent.is_misuse => times == 0,
                    (Some(_), _) => times == 1,
                    (None, true) => times <= 1,
                    (None, false) => times == 0,
                };
                if !fits {
                    let receipt = intent.receipt;
                    return Err(format!(
                        "{text:?}, receipt {receipt:?}, stands {times} times"
                    ));
                }
            }
        }
        Ok(())
    }
}

fn simulate(seed: u64, plan: Plan) -> Result<Stats, String> {
    let run = || World::new(seed, plan).run();
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("a panic, see above".to_owned()))
}

#[test]
fn every_message_ends_once_whatever_happens() {
    let seeds = crate::seeds(SEEDS);
    let searched = seeds.end - seeds.start;
    let is_search = searched >= SEEDS;
    let mut sum = Stats::new();
    for seed in seeds {
        let stats = simulate(seed, Plan::of(seed))
            .unwrap_or_else(|why| panic!("{}", crate::how_to_replay(seed, &why)));
        for (what, times) in stats {
            *sum.entry(what).or_default() += times;
        }
    }
    println!("{sum:?}");
    let records = sum.get("records").copied().unwrap_or_default();
    crate::tell("mailboxes", searched, records);
    for what in EVERYTHING {
        let times = sum.get(what).copied().unwrap_or_default();
        assert!(!is_search || times >= 5, "only {times} {what} in all runs");
    }
}

/// The control: a checker that finds nothing wrong with a log that lies would find nothing at all.
#[test]
fn a_log_that_lies_about_messages_is_found_out() {
    for seed in 0..8 {
        let plan = Plan {
            lies: true,
            ..Plan::of(seed)
        };
        let found = simulate(seed, plan).expect_err("a lie must be found");
        let is_it = found.contains("not in the log");
        assert!(is_it, "seed {seed} was found by chance: {found}");
    }
}

#[test]
fn a_seed_is_a_whole_run_of_mailboxes() {
    for seed in [1, 7] {
        let twice = [0, 1].map(|_| simulate(seed, Plan::of(seed)));
        assert_eq!(twice[0], twice[1], "seed {seed}");
        assert!(twice[0].is_ok(), "{:?}", twice[0]);
    }
}
