//! Sessions that do nothing but be there: what each of them costs.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::{JoinSet, LocalSet};

use crate::clock::Clock;
use crate::conditions::Conditions;
use crate::figures::{Latencies, Quantiles, grouped};
use crate::procfs::{self, ProcessCpu};
use crate::progress;
use crate::server::Server;
use crate::socket::{Filled, Socket};
use crate::target::Target;

/// Sessions that do nothing: memory and processor time of each
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf idle
  perf idle --sessions 9000 --seconds 60 --output idle.json
  perf idle --url http://127.0.0.1:5001 --data-dir ~/.agent-bridge --server-pid 4711

Without --url it starts the release server that stands beside this program, with empty data in
a temporary folder. It opens the sessions one after the other, and leaves them alone. Each session takes
two open files of the server and one of this program: see `ulimit -n`.")]
pub(crate) struct IdleArgs {
    /// WebSocket sessions, each of another client
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u16).range(1..=20_000))]
    sessions: u16,
    /// How long they are left alone before memory is looked at
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    seconds: u16,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Serialize)]
struct Measurement {
    scenario: &'static str,
    conditions: Conditions,
    sessions: u16,
    seconds: u16,
    opening: Quantiles,
    memory_before_kib: u64,
    memory_after_kib: u64,
    bytes_per_session: f64,
    /// Of one core, while all of them were idle.
    server_cores: Option<f64>,
    lost: usize,
}

/// Does what the command line says.
pub(crate) async fn run(args: IdleArgs) -> Result<(), String> {
    // And whoever asks for the statistics.
    let server = args.target.start(usize::from(args.sessions) + 10)?;
    let conditions = args.target.conditions(&server).await?;
    conditions.print("idle: sessions that do nothing");
    println!(
        "  load       {} sessions, {} s",
        args.sessions, args.seconds
    );
    let pid = server
        .pid()
        .ok_or("whose memory is it? with --url say the server's process with --server-pid")?;
    let memory = || procfs::resident_kib(pid).ok_or("this system has no /proc to ask for memory");
    // What it takes for its first sessions is not of each.
    let (warm, _) = open(&server, "warm", 1).await?;
    drop(warm);
    let memory_before_kib = memory()?;
    let (sockets, opening) = open(&server, "idle", args.sessions).await?;
    let (lost, used) = LocalSet::new()
        .run_until(leave_alone(
            sockets,
            pid,
            Duration::from_secs(args.seconds.into()),
        ))
        .await;
    let memory_after_kib = memory()?;
    let grown = memory_after_kib.saturating_sub(memory_before_kib) as f64 * 1024.0;
    let measurement = Measurement {
        scenario: "idle",
        conditions,
        sessions: args.sessions,
        seconds: args.seconds,
        opening,
        memory_before_kib,
        memory_after_kib,
        bytes_per_session: grown / f64::from(args.sessions),
        server_cores: used.map(|used| used / f64::from(args.seconds)),
        lost,
    };
    report(&measurement);
    args.target.keep(&measurement)
}

fn report(found: &Measurement) {
    println!(
        "  opening    p50 {:.2} ms, p99 {:.2} ms, from the first byte to the welcome",
        found.opening.p50_ms, found.opening.p99_ms
    );
    println!(
        "  memory     {} KiB before, {} KiB with all of them",
        grouped(found.memory_before_kib as f64),
        grouped(found.memory_after_kib as f64)
    );
    println!("  a session  {} bytes", grouped(found.bytes_per_session));
    if let Some(cores) = found.server_cores {
        println!(
            "  processor  {:.3} of a core, with a ping to each every 20 s",
            cores
        );
    }
    if found.lost > 0 {
        println!("*** {} sessions did not last", found.lost);
    }
}

/// Sessions that have been welcomed, and how long each took.
async fn open(server: &Server, tag: &str, count: u16) -> Result<(Vec<Socket>, Quantiles), String> {
    let mut latencies = Latencies::new();
    let mut sockets = Vec::with_capacity(count.into());
    let bar = progress::bar("opening", count.into());
    let clock = Clock::start();
    for number in 0..count {
        let name = format!("perf-{tag}-{number}");
        let token = server.token(&name)?;
        let begun = clock.nanos();
        let mut socket = Socket::open(server.socket, &name, &token).await?;
        socket.queue(json!({ "type": "hello" }).to_string().as_bytes());
        socket.flush()?;
        let text = socket.text().await?;
        let welcome: Value = serde_json::from_str(&text).map_err(|why| why.to_string())?;
        if welcome["type"] != "welcome" {
            return Err(format!("hello was answered by {text}"));
        }
        latencies.record(clock.nanos() - begun);
        sockets.push(socket);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((sockets, latencies.quantiles()))
}

/// Answers pings for a while. How many sessions ended, and the processor time that the server took.
async fn leave_alone(sockets: Vec<Socket>, pid: u32, time: Duration) -> (usize, Option<f64>) {
    let mut tasks = JoinSet::new();
    for socket in sockets {
        tasks.spawn_local(listen(socket));
    }
    let used = || ProcessCpu::of(pid).map(|used| used.total().busy());
    let before = used();
    let bar = progress::bar("idle", time.as_secs());
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    for _ in 0..=time.as_secs() {
        seconds.tick().await;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let used = used().zip(before).map(|(after, before)| after - before);
    let mut lost = 0;
    while tasks.try_join_next().is_some() {
        lost += 1;
    }
    (lost, used)
}

/// Until the server ends it.
async fn listen(mut socket: Socket) -> Result<(), String> {
    loop {
        socket.ready().await?;
        if socket.fill()? == Filled::Some {
            while socket.next_text()?.is_some() {}
        }
        socket.flush()?;
    }
}
