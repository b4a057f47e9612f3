//! The load generator of agent-bridge: each scenario is a subcommand, and a file.

mod clock;
mod conditions;
mod database;
mod descriptors;
mod figures;
mod fill;
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
    Chaos(chaos::ChaosArgs),
    Report(report::ReportArgs),
    #[command(hide = true)]
    BrokenServer(broken::BrokenArgs),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().scenario {
        Scenario::Rooms(args) => drive(rooms::run(args)),
        Scenario::Fanout(args) => drive(fanout::run(args)),
        Scenario::Throughput(args) => drive(throughput::run(args)),
        Scenario::Connections(args) => drive(connections::run(args)),
        Scenario::Durable(args) => drive(durable::run(args)),
        Scenario::Growth(args) => drive(growth::run(args)),
        Scenario::Store(args) => drive(store::run(args)),
        Scenario::Idle(args) => drive(idle::run(args)),
        Scenario::Restart(args) => drive(restart::run(args)),
        Scenario::Chaos(args) => drive(chaos::run(args)),
        Scenario::Report(args) => report::run(&args),
        // It brings its own runtime.
        Scenario::BrokenServer(args) => broken::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn drive(scenario: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|why| format!("the runtime does not start: {why}"))?;
    runtime.block_on(interruptible(scenario))
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
