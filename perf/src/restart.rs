//! A server that starts on much data: how long until it acknowledges something.

use std::path::PathBuf;

use agent_bridge::storage::Which;
use agent_bridge::storage::sqlite;
use agent_bridge::system::SystemIds;
use bridge_core::event::Stream;
use bridge_core::ports::Ids as _;
use bridge_core::{Epoch, RoomId};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::clock::Clock;
use crate::conditions::{Conditions, print_disk};
use crate::database::Database;
use crate::figures::{Spread, grouped};
use crate::fill::Filler;
use crate::machine::Disk;
use crate::progress;
use crate::server::{OPERATOR, Server};
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
    if args.own.place.database() == Database::Postgres {
        return Err("a restart is measured on SQLite only".to_owned());
    }
    let folder = args.own.place.folder()?;
    let launch = args.own.launch(SESSIONS);
    let server = Server::over(folder.path(), &launch)?;
    let conditions = args.own.conditions(&server).await?;
    conditions.print("restart: from a start to the first acknowledgement");
    let disk = Disk::measure(folder.path())?;
    print_disk(&disk);
    make_rooms(&server, args.rooms).await?;
    drop(server);
    let file = folder.path().join(sqlite::FILE_NAME);
    fill(&args, file.clone()).await?;
    let database_mib = std::fs::metadata(&file).map_or(0, |file| file.len()) / (1024 * 1024);
    println!(
        "  load       {} messages in {} rooms, {} MiB",
        grouped(args.messages as f64),
        args.rooms,
        grouped(database_mib as f64)
    );
    let mut runs = Vec::new();
    for run in 0..args.runs {
        let clock = Clock::start();
        let server = Server::over(folder.path(), &launch)?;
        post(&server, &room_name(run % args.rooms)).await?;
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
        messages: args.messages,
        rooms: args.rooms,
        text_bytes: args.text_bytes,
        database_mib,
        runs,
        first_acknowledgement_ms: spread,
    };
    args.own.place.keep(&measurement)
}

fn room_name(number: u16) -> String {
    format!("room-{number}")
}

async fn make_rooms(server: &Server, rooms: u16) -> Result<(), String> {
    for number in 0..rooms {
        let body = json!({ "room": room_name(number) });
        let made = server.rest().post(&["v1", "rooms"], &body, None).await;
        made.map_err(|why| format!("making a room: {why}"))?;
    }
    Ok(())
}

async fn post(server: &Server, room: &str) -> Result<(), String> {
    let path = ["v1", "rooms", room, "messages"];
    let body = json!({ "text": "I am back" });
    let posted = server.rest().post(&path, &body, None).await;
    posted.map(drop).map_err(|why| format!("posting: {why}"))
}

/// Writes the messages, on a thread that may wait for the disk.
async fn fill(args: &RestartArgs, file: PathBuf) -> Result<(), String> {
    let (messages, rooms, text_bytes) = (args.messages, args.rooms, args.text_bytes.into());
    let filled = tokio::task::spawn_blocking(move || {
        let epoch = Epoch::from_uuid(SystemIds::default().uuid());
        let which = Which::Sqlite(file);
        let mut opened = which.open(epoch, || ()).map_err(|why| why.to_string())?;
        let mut streams = Vec::new();
        for number in 0..rooms {
            let name: RoomId = room_name(number)
                .parse()
                .map_err(|why| format!("a room's name: {why}"))?;
            let stream = Stream::Room(name);
            let head = opened.store.head(&stream).map_err(|why| why.to_string())?;
            streams.push((stream, head));
        }
        let by = OPERATOR.parse().map_err(|why| format!("a name: {why}"))?;
        let bar = progress::bar("writing", messages);
        let mut filler = Filler::new(&mut *opened.log, streams, by, text_bytes);
        filler.write(messages, |written| bar.set_position(written))?;
        bar.finish_and_clear();
        opened.log.upkeep(true).map_err(|why| why.to_string())
    });
    filled.await.map_err(|why| why.to_string())?
}
