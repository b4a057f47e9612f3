//! The load generator of agent-bridge: each scenario is a subcommand, and a file.

mod clock;
mod conditions;
mod database;
mod descriptors;
mod figures;
mod fill;
mod frames;
mod http;
mod machine;
mod procfs;
mod progress;
mod results;
mod server;
mod socket;
mod stock;
mod target;

mod broken;
mod chaos;
mod connections;
mod durable;
mod fanout;
mod floors;
mod growth;
mod idle;
mod restart;
mod rooms;
mod store;
mod throughput;

mod report;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures agent-bridge over its real protocol
#[derive(Debug, Parser)]
#[command(name = "perf", version)]
struct Cli {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    Rooms(rooms::RoomsArgs),
    Fanout(fanout::FanoutArgs),
    Throughput(throughput::ThroughputArgs),
    Connections(connections::ConnectionsArgs),
    Durable(durable::DurableArgs),
    Growth(growth::GrowthArgs),
    Store(store::StoreArgs),
    Idle(idle::IdleArgs),
    Restart(restart::RestartArgs),
    Floors(floors::FloorsArgs),
    Report(report::ReportArgs),
    Chaos(chaos::ChaosArgs),
    #[command(hide = true)]
    BrokenServer(broken::BrokenArgs),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().scenario {
        // It brings its own runtime.
        Scenario::BrokenServer(args) => broken::run(&args),
        scenario => drive(scenario.play()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

impl Scenario {
    /// Does what the command line says.
    async fn play(self) -> Result<(), String> {
        match self {
            Self::Rooms(args) => rooms::run(args).await,
            Self::Fanout(args) => fanout::run(args).await,
            Self::Throughput(args) => throughput::run(args).await,
            Self::Connections(args) => connections::run(args).await,
            Self::Durable(args) => durable::run(args).await,
            Self::Growth(args) => growth::run(args).await,
            Self::Store(args) => store::run(args).await,
            Self::Idle(args) => idle::run(args).await,
            Self::Restart(args) => restart::run(args).await,
            Self::Floors(args) => floors::run(args).await,
            Self::Report(args) => report::run(&args),
            Self::Chaos(args) => chaos::run(args).await,
            Self::BrokenServer(_) => Err("a server has a runtime of its own".to_owned()),
        }
    }
}

fn drive(scenario: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|why| format!("the runtime does not start: {why}"))?;
    let outcome = runtime.block_on(interruptible(scenario));
    // Who interrupts does not wait until millions of messages are stored on a thread of their own.
    runtime.shutdown_background();
    outcome
}

/// Ctrl-C and SIGTERM drop the scenario, and with it the server and the temporary folder.
async fn interruptible(scenario: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    tokio::select! {
        outcome = scenario => outcome,
        _ = tokio::signal::ctrl_c() => Err("interrupted".to_owned()),
        () = terminated() => Err("terminated".to_owned()),
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(why) => {
            eprintln!("SIGTERM will leave the server behind: {why}");
            std::future::pending().await
        }
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
