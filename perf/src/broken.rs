//! The real server with a fault that is put in on purpose, for the trials and their controls.
//!
//! It is the same server, built into this program, so nothing of this is in the one that is shipped.

mod early;
mod panics;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use agent_bridge::actors::Faults;
use agent_bridge::app::Seams;
use agent_bridge::config::{Config, Overrides};
use clap::{Args, ValueEnum};

pub(crate) use panics::{Arm, Place, Told, Visit};

/// Run the server with a fault
#[derive(Debug, Args)]
pub(crate) struct BrokenArgs {
    /// What is wrong with it
    #[arg(long, value_enum)]
    fault: Fault,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0")]
    bind: SocketAddr,
    /// Where its data is
    #[arg(long)]
    data_dir: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Fault {
    /// It acknowledges a batch before it is written
    AcknowledgesEarly,
    /// It panics where standard input says
    Panics,
}

/// Serves until it is told to stop.
pub(crate) fn run(args: &BrokenArgs) -> Result<(), String> {
    let overrides = Overrides {
        bind: Some(args.bind),
        data_dir: Some(args.data_dir.clone()),
        ..Overrides::default()
    };
    let config = Config::load(None, &overrides).map_err(|why| why.to_string())?;
    let seams = match args.fault {
        Fault::AcknowledgesEarly => Seams {
            log: Arc::new(|log| Box::new(early::AcknowledgesEarly::new(log))),
            ..Seams::default()
        },
        Fault::Panics => {
            panics::obey_standard_input()?;
            Seams {
                log: Arc::new(|log| Box::new(panics::Fragile::new(log))),
                faults: Faults {
                    at: Some(panics::place),
                    ..Faults::default()
                },
                ..Seams::default()
            }
        }
    };
    agent_bridge::cli::serve::serve(&config, seams).map_err(|why| why.to_string())
}
