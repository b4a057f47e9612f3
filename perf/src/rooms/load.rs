//! What is asked of the server, and how that is said on the command line.

use clap::Args;
use serde::Serialize;

/// How long, how large, how close together.
#[derive(Debug, Clone, Args)]
pub(crate) struct Course {
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
}

/// When an open loop is wanted.
#[derive(Debug, Clone, Args)]
pub(crate) struct Rate {
    /// Open loop: posts a second of all clients together, at even distances. Latency then counts
    /// from the moment a post was due
    #[arg(long, conflicts_with = "in_flight", value_parser = clap::value_parser!(u32).range(1..=500_000))]
    rate: Option<u32>,
}

/// How often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Repeats {
    /// Repeat it, each time with new data, and tell median and spread
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(super) runs: u32,
    /// Wait for a quiet machine before each run, and repeat one in which other programs were busy,
    /// up to this many runs in all. Only how busy they were decides, and the result says how many
    /// runs were left out
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(super) attempts: u32,
}

/// Who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Crowd {
    /// Sessions in all, spread evenly over the rooms.
    pub(crate) clients: usize,
    pub(crate) rooms: usize,
    /// Of the members of each room: those who post.
    pub(crate) publishers_per_room: usize,
}

/// What is asked of the server.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Load {
    #[serde(flatten)]
    pub(crate) crowd: Crowd,
    pub(super) seconds: u16,
    pub(super) warm_up_seconds: u16,
    pub(super) text_bytes: usize,
    #[serde(flatten)]
    pub(super) drive: Drive,
}

/// When a client posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "loop", rename_all = "snake_case")]
pub(crate) enum Drive {
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

/// What is sent, and how: for people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// One thing that a client sends.
    pub(crate) one: &'static str,
    /// What the log writer writes because of them.
    pub(crate) records: &'static str,
    pub(crate) drive: Drive,
    /// Clients that send.
    pub(crate) senders: usize,
}

impl Crowd {
    /// Everybody posts; two in a room at least, and in each the same number.
    pub(crate) fn all_post(clients: usize, rooms: usize) -> Result<Self, String> {
        if rooms == 0 || clients < 2 * rooms || !clients.is_multiple_of(rooms) {
            return Err(format!(
                "{clients} clients cannot be spread over {rooms} rooms: every room needs the same \
                 number of them, and two at least"
            ));
        }
        Ok(Self {
            clients,
            rooms,
            publishers_per_room: clients / rooms,
        })
    }

    pub(super) const fn members_per_room(&self) -> usize {
        self.clients / self.rooms
    }

    pub(super) const fn publishers(&self) -> usize {
        self.publishers_per_room * self.rooms
    }
}

impl Course {
    /// Of each message.
    pub(crate) const fn text_bytes(&self) -> u16 {
        self.text_bytes
    }

    /// A closed loop.
    pub(crate) fn closed(&self, crowd: Crowd) -> Load {
        self.load(crowd, &Rate { rate: None })
    }

    /// An open loop if a rate is wanted, and a closed one otherwise.
    pub(crate) fn load(&self, crowd: Crowd, rate: &Rate) -> Load {
        Load {
            crowd,
            seconds: self.seconds,
            warm_up_seconds: self.warm_up,
            text_bytes: usize::from(self.text_bytes),
            drive: rate.drive(self.in_flight),
        }
    }
}

impl Rate {
    /// An open loop if a rate is wanted, and a closed one otherwise.
    pub(crate) fn drive(&self, in_flight: u16) -> Drive {
        let in_flight = in_flight.into();
        let closed = Drive::Closed { in_flight };
        let open = |posts_per_second| Drive::Open { posts_per_second };
        self.rate.map_or(closed, open)
    }
}

impl Load {
    /// One client, one post at a time, and nobody else.
    pub(crate) fn alone(seconds: u16, text_bytes: u16) -> Self {
        Self {
            crowd: Crowd {
                clients: 1,
                rooms: 1,
                publishers_per_room: 1,
            },
            seconds,
            warm_up_seconds: 1,
            text_bytes: usize::from(text_bytes),
            drive: Drive::Closed { in_flight: 1 },
        }
    }

    /// Posts, by those who may.
    pub(super) fn manner(&self) -> Manner {
        Manner {
            one: "post",
            records: "posts",
            drive: self.drive,
            senders: self.crowd.publishers(),
        }
    }

    /// Who is where, in words.
    pub(super) fn crowd(&self) -> String {
        let Crowd { clients, rooms, .. } = self.crowd;
        let publishers = self.crowd.publishers();
        let where_they_are = match rooms {
            1 if clients == 1 => "one client alone in a room".to_owned(),
            1 => format!("{clients} clients in one room"),
            _ => format!("{clients} clients in {rooms} rooms"),
        };
        match publishers == clients {
            true => where_they_are,
            false => format!("{where_they_are}, {publishers} of whom post"),
        }
    }
}

impl Manner {
    /// In words.
    pub(crate) fn drive(&self) -> String {
        match self.drive {
            Drive::Closed { in_flight } => {
                format!("closed loop, {in_flight} in flight per sender")
            }
            Drive::Open { posts_per_second } => {
                format!("open loop, {posts_per_second} {}s/s in total", self.one)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_alike_and_nobody_is_alone() {
        for (clients, rooms) in [(100, 51), (100, 30), (2, 2), (2, 0)] {
            assert!(Crowd::all_post(clients, rooms).is_err());
        }
        let crowd = Crowd::all_post(250, 50).expect("five in each");
        assert_eq!((crowd.members_per_room(), crowd.publishers()), (5, 250));
    }
}
