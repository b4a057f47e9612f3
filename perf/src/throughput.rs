//! Direct messages in a ring: every client sends to the next one, and is done with what it gets.

mod args;
mod flow;
mod measure;
mod message;
mod rest;
mod session;
mod shared;

use crate::descriptors;
use crate::machine::Disk;
use crate::rooms::{self, Drive, Manner, Outcome, Scenario, Workload};
use crate::server::Server;

use args::Load;
pub(crate) use args::ThroughputArgs;

const SCENARIO: Scenario = Scenario {
    name: "throughput",
    title: "throughput: durable messages from one client to another",
};

/// Does what the command line says.
pub(crate) async fn run(args: ThroughputArgs) -> Result<(), String> {
    let load = args.load()?;
    descriptors::raise();
    descriptors::suffice(load.sessions(), args.target.is_own())?;
    rooms::repeat(&SCENARIO, load, &args.repeats, &args.target).await
}

impl Workload for Load {
    /// The server counts connections by its sessions.
    fn sessions(&self) -> usize {
        self.clients * (1 + self.connections_each())
    }

    fn report(&self) {
        println!(
            "  load       {} clients in a ring, over {}, texts of {} bytes, {}",
            self.clients,
            self.over,
            self.text_bytes,
            self.manner().drive()
        );
        println!(
            "  time       {} s after {} s of warm-up",
            self.seconds, self.warm_up_seconds
        );
        if matches!(self.drive, Drive::Open { .. }) && self.connections_each() > 0 {
            println!(
                "  requests   {} connections of each client at most",
                self.connections_each()
            );
        }
    }

    fn manner(&self) -> Manner {
        Manner {
            one: "message",
            // That it is stored, handed over and done with are records of their own.
            records: "records",
            drive: self.drive,
            senders: self.clients,
        }
    }

    async fn measure(&self, server: &Server, disk: Disk, number: u32) -> Result<Outcome, String> {
        measure::measure(server, self, disk, number).await
    }
}
