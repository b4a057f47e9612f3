//! What there is now, by name: rendered anew each time that somebody asks, so that what is gone leaves
//! no series behind.

use bridge_core::{ClientId, RoomId};
use metrics::Recorder;
use metrics_exporter_prometheus::PrometheusBuilder;

use super::labels::Transport;
use super::rooms::{AwakeRoom, Rooms};
use super::values::{OTHER, Present, label};
use super::{Maker, count, names};

/// A client that is connected, and how often by each transport.
pub type Connected = (ClientId, [usize; Transport::ALL.len()]);

/// Which names are shown.
#[derive(Debug)]
pub(super) struct ByName {
    clients: Present,
    rooms_shown: Present,
    rooms: Rooms,
}

impl ByName {
    /// So many of each at most.
    pub(super) fn new(max: usize) -> Self {
        Self {
            clients: Present::new(max),
            rooms_shown: Present::new(max),
            rooms: Rooms::default(),
        }
    }

    /// A room wakes.
    pub(super) fn room(&self) -> AwakeRoom {
        self.rooms.entry()
    }

    /// The metrics that have names, in the text form of Prometheus.
    pub(super) fn render(&self, connected: &[Connected]) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        for named in [names::CONNECTIONS_ACTIVE, names::ROOM_MEMBERS_BY_ROOM] {
            recorder.describe_gauge(named.name.into(), None, named.says.into());
        }
        let maker = Maker(&recorder);
        self.set_connections(maker, connected);
        self.set_members(maker, self.rooms.now());
        recorder.handle().render()
    }

    fn set_connections(&self, maker: Maker<'_>, connected: &[Connected]) {
        let now = connected.iter();
        let now = now.map(|(client, of)| (label(client.folded()), *of));
        let (shown, rest) = self.clients.choose(now.collect());
        let rest = rest.into_iter().reduce(|one, other| {
            std::array::from_fn(|transport| one[transport] + other[transport])
        });
        let rest = (OTHER.to_owned(), rest.unwrap_or_default());
        for (client, of) in shown.into_iter().chain([rest]) {
            for (transport, connections) in Transport::ALL.into_iter().zip(of) {
                if connections == 0 && client != OTHER {
                    continue;
                }
                let labels = [
                    ("transport", transport.word().to_owned()),
                    ("client", client.clone()),
                ];
                let active = maker.gauge_named(names::CONNECTIONS_ACTIVE, labels);
                active.set(count(connections));
            }
        }
    }

    fn set_members(&self, maker: Maker<'_>, rooms: Vec<(RoomId, usize)>) {
        let now = rooms.into_iter();
        let now = now.map(|(room, members)| (label(room.folded()), members));
        let (shown, rest) = self.rooms_shown.choose(now.collect());
        let rest = (OTHER.to_owned(), rest.into_iter().sum());
        for (room, members) in shown.into_iter().chain([rest]) {
            let gauge = maker.gauge_named(names::ROOM_MEMBERS_BY_ROOM, [("room", room)]);
            gauge.set(count(members));
        }
    }
}
