//! The log by itself: how many posts a second it takes in large transactions, without a server. What
//! the server reaches is measured against that.

use agent_bridge::storage::Which;
use agent_bridge::storage::postgres;
use agent_bridge::storage::sqlite;
use agent_bridge::system::SystemIds;
use bridge_core::event::Stream;
use bridge_core::ports::Ids as _;
use bridge_core::{Epoch, Seq};
use clap::Args;
use private_postgres::{Cluster, Durability};
use serde::Serialize;

use crate::clock::Clock;
use crate::conditions::print_disk;
use crate::database::Database;
use crate::figures::{Spread, grouped};
use crate::fill::Filler;
use crate::machine::{Disk, Machine};
use crate::progress;
use crate::target::Place;

/// The log by itself: durable posts a second in transactions of 1,000
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf store
  perf store --database postgres --runs 5 --output store.json

No server is started. The rows are those that `perf rooms` makes the server write: a post of 300 bytes
in one of 50 rooms, with all that follows from it.")]
pub(crate) struct StoreArgs {
    /// Posts that are written in each run
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1_000..=20_000_000))]
    posts: u64,
    /// Rooms, which take turns
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    rooms: u16,
    /// Length of a post's text
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    text_bytes: u16,
    /// Repeat it, each time with new data, and tell median and spread
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    runs: u32,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Serialize)]
struct Measurement<'a> {
    scenario: &'static str,
    #[serde(flatten)]
    machine: Machine,
    note: Option<&'a str>,
    on: Database,
    disk: Disk,
    posts: u64,
    rooms: u16,
    text_bytes: u16,
    runs: &'a [f64],
    posts_per_second: Spread,
}

/// Does what the command line says.
pub(crate) async fn run(args: StoreArgs) -> Result<(), String> {
    let args = std::sync::Arc::new(args);
    let its_args = std::sync::Arc::clone(&args);
    let measured = tokio::task::spawn_blocking(move || measure(&its_args)).await;
    measured.map_err(|why| why.to_string())?
}

fn measure(args: &StoreArgs) -> Result<(), String> {
    let database = args.place.database();
    let folder = args.place.folder()?;
    println!(
        "store: {} without a server, {} posts a run",
        database,
        grouped(args.posts as f64)
    );
    let measured = Disk::measure(folder.path())?;
    print_disk(&measured);
    let cluster = match database {
        Database::Sqlite => None,
        Database::Postgres => Some(Cluster::start(&args.place.disk()?, Durability::Synced)?),
    };
    let mut rates = Vec::new();
    for run in 1..=args.runs {
        let which = match &cluster {
            None => Which::Sqlite(folder.path().join(format!("{run}-{}", sqlite::FILE_NAME))),
            Some(cluster) => {
                let place = postgres::Place::parse(&cluster.database()?);
                Which::Postgres(place.map_err(|why| why.to_string())?)
            }
        };
        let rate = fill(args, &which)?;
        println!("  run {run}      {} posts/s", grouped(rate));
        rates.push(rate);
    }
    let spread = Spread::of(rates.iter().copied()).ok_or("nothing was measured")?;
    println!(
        "  median     {} posts/s ({} to {})",
        grouped(spread.median),
        grouped(spread.min),
        grouped(spread.max)
    );
    let measurement = Measurement {
        scenario: "store",
        machine: Machine::look(),
        note: args.place.note(),
        on: database,
        disk: measured,
        posts: args.posts,
        rooms: args.rooms,
        text_bytes: args.text_bytes,
        runs: &rates,
        posts_per_second: spread,
    };
    args.place.keep(&measurement)
}

/// Posts a second.
fn fill(args: &StoreArgs, which: &Which) -> Result<f64, String> {
    let epoch = Epoch::from_uuid(SystemIds::default().uuid());
    let mut opened = which.open(epoch, || ()).map_err(|why| why.to_string())?;
    let rooms = (0..args.rooms).map(|room| {
        let name = format!("room-{room}");
        let name = name.parse().map_err(|why| format!("{name}: {why}"))?;
        Ok((Stream::Room(name), Seq::ZERO))
    });
    let rooms: Result<Vec<_>, String> = rooms.collect();
    let by = "perf".parse().map_err(|why| format!("a name: {why}"))?;
    let mut filler = Filler::new(&mut *opened.log, rooms?, by, args.text_bytes.into());
    let bar = progress::bar("writing", args.posts);
    let clock = Clock::start();
    filler.write(args.posts, |written| bar.set_position(written))?;
    let seconds = clock.nanos() as f64 / 1e9;
    bar.finish_and_clear();
    Ok(args.posts as f64 / seconds)
}
