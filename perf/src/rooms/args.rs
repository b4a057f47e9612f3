//! What can be asked for.

use clap::Args;

use super::load::{Course, Crowd, Load, Rate, Repeats};
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
    #[command(flatten)]
    course: Course,
    #[command(flatten)]
    rate: Rate,
    #[command(flatten)]
    pub(super) repeats: Repeats,
    #[command(flatten)]
    pub(super) target: Target,
}

impl RoomsArgs {
    pub(super) fn load(&self) -> Result<Load, String> {
        let crowd = Crowd::all_post(self.clients.into(), self.rooms.into())?;
        Ok(self.course.load(crowd, &self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::Drive;
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
        let crowd = Crowd {
            clients: 100,
            rooms: 50,
            publishers_per_room: 2,
        };
        assert_eq!(load.crowd, crowd);
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
