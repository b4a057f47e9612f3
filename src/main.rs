//! The program `agent-bridge`.

use std::process::ExitCode;

use agent_bridge::cli;

/// Fifteen to thirty per cent more throughput than the system's allocator, at the same idle memory.
/// A thread of its own gives back what an overload has left, also when nothing is going on any more.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match cli::parse() {
        Ok(cli) => cli::run(cli),
        Err(exit) => exit,
    }
}
