//! A whole server without its machinery: owners, a log writer, clients and readers, driven by one
//! seed. Batches fail, outcomes get lost, requests come late, twice or never, owners and the process
//! die at any time, the clock jumps to and fro, and on every tick the invariants are checked.
//!
//! `SIMULATION_SEEDS=500` runs more seeds, `SIMULATION_FIRST=1000` begins elsewhere, and
//! `SIMULATION_SEED=42` runs one.

mod checker;
mod clients;
mod house;
mod mail;
mod network;
mod plan;
mod readers;
mod rng;
mod ticket;
mod world;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};

use plan::Plan;
use world::{Stats, World};

/// How many seeds a run takes when nobody says otherwise: two or three seconds.
const SEEDS: u64 = 40;

/// A number from the environment, to replay a failure or to search longer.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no settings but these three"
)]
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, but is {text:?}")),
    )
}

fn simulate(seed: u64, plan: Plan) -> Result<Stats, String> {
    let run = || World::new(seed, plan).run();
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("a panic, see above".to_owned()))
}

/// Which seeds a run takes; so many when nobody says otherwise.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number("SIMULATION_FIRST").unwrap_or_default();
            first..first + number("SIMULATION_SEEDS").unwrap_or(usual)
        }
    }
}

/// A line for programs that run many seeds.
fn tell(world: &str, seeds: u64, records: u64) {
    let told = serde_json::json!({"world": world, "seeds": seeds, "records": records});
    println!("simulated: {told}");
}

fn how_to_replay(seed: u64, why: &str) -> String {
    format!(
        "seed {seed}: {why}\nreplay it with: SIMULATION_SEED={seed} cargo nextest run -p \
         bridge-core --all-features --test simulation"
    )
}

#[test]
fn the_invariants_hold_whatever_happens() {
    let seeds = seeds(SEEDS);
    let searched = seeds.end - seeds.start;
    let is_search = searched >= SEEDS;
    let mut sum = Stats::default();
    for seed in seeds {
        match simulate(seed, Plan::of(seed)) {
            Ok(stats) => sum.add(&stats),
            Err(why) => panic!("{}", how_to_replay(seed, &why)),
        }
    }
    println!("{sum:?}");
    tell("rooms", searched, sum.records());
    if is_search {
        sum.everything_happened();
    }
}

/// The control: a checker that finds nothing wrong with a log that lies would find nothing at all.
#[test]
fn a_lying_log_is_found_out() {
    for seed in 0..8 {
        let plan = Plan {
            lies: true,
            ..Plan::of(seed)
        };
        let found = simulate(seed, plan).expect_err("a lie must be found");
        assert!(
            found.contains("is not in the log"),
            "seed {seed} was found by chance: {found}"
        );
    }
}

#[test]
fn a_seed_is_a_whole_run() {
    for seed in [1, 7] {
        let twice = [0, 1].map(|_| simulate(seed, Plan::of(seed)));
        assert_eq!(twice[0], twice[1], "seed {seed}");
    }
}
