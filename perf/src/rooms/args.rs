//! What can be asked for.

use clap::Args;
use serde::Serialize;

use crate::target::Target;

/// Durable posts a second, and the time from post to delivery
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf rooms
  perf rooms --in-flight 1 --runs 3
  perf rooms --rate 5000 --runs 3 --output rooms.json
  perf rooms --url http://127.0.0.1:5001 --data-dir ~/.agent-bridge

Without --url it starts the release server that stands beside this program, with empty data in a
temporary folder, and ends it afterwards. Only this machine is ever measured.")]
pub(crate) struct RoomsArgs {
    /// Clients, each with one WebSocket session
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(2..=900))]
    clients: u16,
    /// Rooms; the clients are spread evenly, two in a room at least
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=450))]
    rooms: u16,
    /// How long is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: u16,
    /// How long the load lasts before that
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(0..=60))]
    warm_up: u16,
    /// Length of a message's text
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(64..=10_000))]
    text_bytes: u16,
    /// Closed loop: posts of each client that are not acknowledged yet
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    in_flight: u16,
    /// Open loop: posts a second of all clients together, at even distances. Latency then counts
    /// from the moment a post was due
    #[arg(long, conflicts_with = "in_flight", value_parser = clap::value_parser!(u32).range(1..=500_000))]
    rate: Option<u32>,
    /// Repeat it, each time with new data, and tell median and spread
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(super) runs: u32,
    /// Wait for a quiet machine before each run, and repeat one in which other programs were busy,
    /// up to this many runs in all. Only how busy they were decides, and the result says how many
    /// runs were left out
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(super) attempts: u32,
    #[command(flatten)]
    pub(super) target: Target,
}

/// What is asked of the server.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Load {
    pub(super) clients: usize,
    pub(super) rooms: usize,
    pub(super) seconds: u16,
    pub(super) warm_up_seconds: u16,
    pub(super) text_bytes: usize,
    #[serde(flatten)]
    pub(super) drive: Drive,
}

/// When a client posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "loop", rename_all = "snake_case")]
pub(super) enum Drive {
    /// When another of its posts was acknowledged.
    Closed {
        /// Posts of each client that are not acknowledged yet.
        in_flight: u64,
    },
    /// When it is time, whatever the server does.
    Open {
        /// Posts a second of all clients together.
        posts_per_second: u32,
    },
}

impl RoomsArgs {
    pub(super) fn load(&self) -> Result<Load, String> {
        let (clients, rooms) = (usize::from(self.clients), usize::from(self.rooms));
        if clients < 2 * rooms || !clients.is_multiple_of(rooms) {
            return Err(format!(
                "{clients} clients cannot be spread over {rooms} rooms: every room needs the same \
                 number of them, and two at least"
            ));
        }
        let in_flight = u64::from(self.in_flight);
        let drive = self
            .rate
            .map_or(Drive::Closed { in_flight }, |posts_per_second| {
                Drive::Open { posts_per_second }
            });
        Ok(Load {
            clients,
            rooms,
            seconds: self.seconds,
            warm_up_seconds: self.warm_up,
            text_bytes: usize::from(self.text_bytes),
            drive,
        })
    }
}

impl Load {
    pub(super) const fn members_per_room(&self) -> usize {
        self.clients / self.rooms
    }

    /// In words.
    pub(super) fn drive(&self) -> String {
        match self.drive {
            Drive::Closed { in_flight } => format!("closed loop, {in_flight} in flight per client"),
            Drive::Open { posts_per_second } => {
                format!("open loop, {posts_per_second} posts/s in total")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        rooms: RoomsArgs,
    }

    fn load(args: &[&str]) -> Result<Load, String> {
        let all = ["perf"].iter().chain(args);
        let cli = Cli::try_parse_from(all).map_err(|why| why.to_string())?;
        cli.rooms.load()
    }

    #[test]
    fn the_defaults_are_the_scenario() {
        let load = load(&[]).expect("good defaults");
        assert_eq!(
            (load.clients, load.rooms, load.members_per_room()),
            (100, 50, 2)
        );
        assert_eq!(load.drive, Drive::Closed { in_flight: 16 });
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(load(&["--clients", "100", "--rooms", "51"]).is_err());
        assert!(load(&["--clients", "100", "--rooms", "30"]).is_err());
        assert!(load(&["--rate", "5", "--in-flight", "5"]).is_err());
        assert!(load(&["--seconds", "0"]).is_err());
        assert!(load(&["--text-bytes", "10001"]).is_err());
    }

    #[test]
    fn a_rate_is_an_open_loop() {
        let load = load(&["--rate", "5000"]).expect("a load");
        let drive = Drive::Open {
            posts_per_second: 5_000,
        };
        assert_eq!(load.drive, drive);
    }
}
