//! What it costs to have much stored: the closed loop of `rooms` on a log that holds many messages in
//! many rooms, against an empty one, in turn.

mod report;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::conditions::{Conditions, print_disk};
use crate::figures::{Spread, ratio};
use crate::machine::Disk;
use crate::procfs;
use crate::rooms::{self, Course, Crowd, Load, Outcome, Rooms, measure};
use crate::server::Server;
use crate::stock::{Stock, Wanted};
use crate::target::OwnServer;

/// Posts a second on a log with much in it, against an empty one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf growth --keep /var/tmp/stock
  perf growth --messages 1000000 --rooms-stored 1000 --runs 5 --output growth.json
  perf growth --database postgres --keep /var/tmp/stock

The messages are written into the log without a server; that takes minutes and gigabytes. With --keep they
stay, and the next time they are found. The load goes to rooms that are among the stored ones; each run
takes others, in which nobody was measured before.")]
pub(crate) struct GrowthArgs {
    /// Messages that are stored
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    messages: u64,
    /// Rooms that they are in
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rooms_stored: u32,
    /// Keep what is stored in this folder, and find it there the next time
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Clients, each with one WebSocket session
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(2..=900))]
    clients: u16,
    /// Rooms that they post to; the clients are spread evenly, two in a room at least
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=450))]
    rooms: u16,
    /// How often both are measured in turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    runs: u32,
    #[command(flatten)]
    course: Course,
    #[command(flatten)]
    own: OwnServer,
}

#[derive(Debug, Serialize)]
struct Measurement {
    scenario: &'static str,
    conditions: Conditions,
    load: Load,
    rooms_stored: u32,
    stored_mib: u64,
    summary: Summary,
    stored: Vec<Run>,
    empty: Vec<Run>,
}

/// One server's life.
#[derive(Debug, Serialize)]
struct Run {
    /// When it began.
    messages_stored: u64,
    /// From the start of its process until it was ready.
    start_ms: Option<f64>,
    /// Resident, when it was ready, and after the load; none where the system does not tell.
    memory_ready_kib: Option<u64>,
    memory_after_kib: Option<u64>,
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
struct Summary {
    stored_posts_per_second: Spread,
    empty_posts_per_second: Spread,
    /// Of those with much stored to those of the empty one, in each pair.
    ratio: Spread,
    stored_start_ms: Spread,
    empty_start_ms: Spread,
    errors: u64,
}

/// Does what the command line says.
pub(crate) async fn run(args: GrowthArgs) -> Result<(), String> {
    let crowd = Crowd::all_post(args.clients.into(), args.rooms.into())?;
    let load = args.course.closed(crowd);
    let wanted = Wanted {
        messages: args.messages,
        rooms: args.rooms_stored,
        text_bytes: args.course.text_bytes(),
    };
    if u32::from(args.rooms) > args.rooms_stored {
        return Err(format!(
            "the load needs {} rooms, and only {} are stored",
            args.rooms, args.rooms_stored
        ));
    }
    println!("growth: posts on a log with much in it, against an empty one");
    let mut stock = Stock::of(&args.own, args.keep.as_deref(), wanted).await?;
    let (mut stored, mut empty) = (Vec::new(), Vec::new());
    let conditions = conditions(&args, &stock, &load).await?;
    let stored_mib = stock.mib()?;
    for number in 1..=args.runs {
        // Whoever is second finds the machine as the first left it, so they take turns.
        if number % 2 == 1 {
            stored.push(on_stock(&args, &load, &mut stock, number).await?);
            empty.push(on_nothing(&args, &load, number).await?);
        } else {
            empty.push(on_nothing(&args, &load, number).await?);
            stored.push(on_stock(&args, &load, &mut stock, number).await?);
        }
    }
    let summary = Summary::of(&stored, &empty).ok_or("nothing was measured")?;
    report::summary(&summary, args.runs);
    args.own.place.keep(&Measurement {
        scenario: "growth",
        conditions,
        load,
        rooms_stored: args.rooms_stored,
        stored_mib,
        summary,
        stored,
        empty,
    })
}

async fn conditions(args: &GrowthArgs, stock: &Stock, load: &Load) -> Result<Conditions, String> {
    let server = stock.start(&args.own, load.crowd.clients)?;
    let found = args.own.conditions(&server).await?;
    found.print("growth: conditions");
    rooms::report_load(load);
    report::stock(stock)?;
    print_disk(&Disk::measure(&server.data_dir)?);
    Ok(found)
}

async fn on_stock(
    args: &GrowthArgs,
    load: &Load,
    stock: &mut Stock,
    number: u32,
) -> Result<Run, String> {
    println!("\nrun {number}, much stored");
    let rooms = stock.take_rooms(args.rooms.into())?;
    let messages_stored = stock.inventory().messages;
    let server = stock.start(&args.own, load.crowd.clients)?;
    let rooms = Rooms::Stored(&rooms);
    let run = one(&server, load, rooms, messages_stored, number).await?;
    drop(server);
    stock.add_messages(run.outcome.posted_ever)?;
    Ok(run)
}

async fn on_nothing(args: &GrowthArgs, load: &Load, number: u32) -> Result<Run, String> {
    println!("\nrun {number}, empty");
    let server = Server::start(&args.own.launch(load.crowd.clients))?;
    one(&server, load, Rooms::New, 0, number).await
}

async fn one(
    server: &Server,
    load: &Load,
    rooms: Rooms<'_>,
    messages_stored: u64,
    number: u32,
) -> Result<Run, String> {
    let memory = || server.pid().and_then(procfs::resident_kib);
    let memory_ready_kib = memory();
    let disk = Disk::measure(&server.data_dir)?;
    let outcome = measure(server, load, rooms, disk, number).await?;
    let run = Run {
        messages_stored,
        start_ms: server.started_in_ms(),
        memory_ready_kib,
        memory_after_kib: memory(),
        outcome,
    };
    report::run(&run, load);
    Ok(run)
}

impl Summary {
    fn of(stored: &[Run], empty: &[Run]) -> Option<Self> {
        let rates = |runs: &[Run]| Spread::of(runs.iter().map(|run| run.outcome.posts_per_second));
        let starts = |runs: &[Run]| Spread::of(runs.iter().filter_map(|run| run.start_ms));
        let pairs = stored.iter().zip(empty).filter_map(|(stored, empty)| {
            let (stored, empty) = (&stored.outcome, &empty.outcome);
            ratio(stored.posts_per_second, empty.posts_per_second)
        });
        let all = stored.iter().chain(empty);
        Some(Self {
            stored_posts_per_second: rates(stored)?,
            empty_posts_per_second: rates(empty)?,
            ratio: Spread::of(pairs)?,
            stored_start_ms: starts(stored)?,
            empty_start_ms: starts(empty)?,
            errors: all.map(|run| run.outcome.errors_total()).sum(),
        })
    }
}
