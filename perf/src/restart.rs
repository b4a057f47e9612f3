//! A server that starts on much data: how long until it acknowledges something.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::clock::Clock;
use crate::conditions::{Conditions, print_disk};
use crate::figures::{Spread, grouped};
use crate::machine::Disk;
use crate::server::Server;
use crate::stock::{Stock, Wanted, maker, room_name};
use crate::target::OwnServer;

/// Sessions that the server has room for: nobody but this program asks it anything.
const SESSIONS: usize = 10;

/// From the start of a server to its first acknowledgement, on much data
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf restart
  perf restart --messages 10000000 --rooms 1000 --runs 10 --output restart.json

The messages are written into the log without a server, in a temporary folder. Then the server is
started on it again and again, asked at once to store a post in one of the rooms, and ended with
kill -9 when it has said that it did.")]
pub(crate) struct RestartArgs {
    /// Messages that are stored
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    messages: u64,
    /// Rooms that they are in
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rooms: u16,
    /// Length of a message's text
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    text_bytes: u16,
    /// How often it is started
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    runs: u16,
    /// Keep what is stored in this folder, and find it there the next time
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    own: OwnServer,
}

#[derive(Debug, Serialize)]
struct Measurement {
    scenario: &'static str,
    conditions: Conditions,
    disk: Disk,
    messages: u64,
    rooms: u16,
    text_bytes: u16,
    database_mib: u64,
    /// Of each start, in milliseconds.
    runs: Vec<f64>,
    first_acknowledgement_ms: Spread,
}

/// Does what the command line says.
pub(crate) async fn run(args: RestartArgs) -> Result<(), String> {
    let wanted = Wanted {
        messages: args.messages,
        rooms: args.rooms.into(),
        text_bytes: args.text_bytes,
    };
    println!("restart: from a start to the first acknowledgement");
    let stock = Stock::of(&args.own, args.keep.as_deref(), wanted).await?;
    let server = stock.start(&args.own, SESSIONS)?;
    let conditions = args.own.conditions(&server).await?;
    drop(server);
    conditions.print("restart: conditions");
    let disk = Disk::measure(stock.data_dir())?;
    print_disk(&disk);
    let database_mib = stock.mib()?;
    println!(
        "  load       {} messages in {} rooms, {} MiB",
        grouped(stock.inventory().messages as f64),
        args.rooms,
        grouped(database_mib as f64)
    );
    let mut runs = Vec::new();
    for run in 0..args.runs {
        let clock = Clock::start();
        let server = stock.start(&args.own, SESSIONS)?;
        post(&server, (run % args.rooms).into()).await?;
        runs.push(clock.nanos() as f64 / 1e6);
    }
    let spread = Spread::of(runs.iter().copied()).ok_or("nothing was measured")?;
    println!(
        "  first acknowledgement after {:.0} ms ({:.0} to {:.0}) over {} starts after kill -9",
        spread.median, spread.min, spread.max, args.runs
    );
    let measurement = Measurement {
        scenario: "restart",
        conditions,
        disk,
        messages: stock.inventory().messages,
        rooms: args.rooms,
        text_bytes: args.text_bytes,
        database_mib,
        runs,
        first_acknowledgement_ms: spread,
    };
    args.own.place.keep(&measurement)
}

async fn post(server: &Server, room: u32) -> Result<(), String> {
    let (rest, room) = (server.rest_of(&maker(room))?, room_name(room));
    let path = ["v1", "rooms", &room, "messages"];
    let body = json!({ "text": "I am back" });
    let posted = rest.post(&path, &body, None).await;
    posted.map(drop).map_err(|why| format!("posting: {why}"))
}
