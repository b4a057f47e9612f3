//! One room with many members, of whom few post: how many deliveries a second, and how late.

use clap::Args;

use crate::rooms::{self, Course, Crowd, Load, Rate, Repeats, Scenario};
use crate::target::Target;

/// Deliveries a second to the members of one large room, and how late they are
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf fanout
  perf fanout --members 1000 --rate 200 --runs 3
  perf fanout --members 100 --publishers 100 --output fanout.json

Without --url it starts the release server that stands beside this program, with empty data in a
temporary folder, and ends it afterwards. Each session takes two open files of the server and one of
this program: see `ulimit -n`.")]
pub(crate) struct FanoutArgs {
    /// Members of the room, each with one WebSocket session
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(2..=2_000))]
    members: u16,
    /// Those of them who post; everybody else only listens
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    publishers: u16,
    #[command(flatten)]
    course: Course,
    #[command(flatten)]
    rate: Rate,
    #[command(flatten)]
    repeats: Repeats,
    #[command(flatten)]
    target: Target,
}

const SCENARIO: Scenario = Scenario {
    name: "fanout",
    title: "fanout: deliveries to the members of one room",
};

/// Does what the command line says.
pub(crate) async fn run(args: FanoutArgs) -> Result<(), String> {
    rooms::repeat(&SCENARIO, args.load()?, &args.repeats, &args.target).await
}

impl FanoutArgs {
    fn load(&self) -> Result<Load, String> {
        if self.publishers > self.members {
            return Err(format!(
                "there cannot be {} publishers among {} members",
                self.publishers, self.members
            ));
        }
        let crowd = Crowd {
            clients: self.members.into(),
            rooms: 1,
            publishers_per_room: self.publishers.into(),
        };
        Ok(self.course.load(crowd, &self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        fanout: FanoutArgs,
    }

    fn load(args: &[&str]) -> Result<Load, String> {
        let all = ["perf"].iter().chain(args);
        let cli = Cli::try_parse_from(all).map_err(|why| why.to_string())?;
        cli.fanout.load()
    }

    #[test]
    fn one_of_a_thousand_posts() {
        let crowd = Crowd {
            clients: 1_000,
            rooms: 1,
            publishers_per_room: 1,
        };
        assert_eq!(load(&[]).expect("good defaults").crowd, crowd);
    }

    #[test]
    fn a_publisher_is_a_member() {
        assert!(load(&["--members", "10", "--publishers", "10"]).is_ok());
        assert!(load(&["--members", "10", "--publishers", "11"]).is_err());
        assert!(load(&["--members", "2001"]).is_err());
        assert!(load(&["--publishers", "0"]).is_err());
    }
}
