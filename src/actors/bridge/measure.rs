//! What is measured of requests, and what is known without being counted.

use bridge_core::command::RoomCommand;
use bridge_core::message::{Outgoing, Recipients};
use bridge_core::{ClientId, Principal, RoomId};

use super::Bridge;
use crate::telemetry::metrics::{Measuring, Operation};
use crate::telemetry::subject::Subject;

impl Bridge {
    /// A command to a room begins.
    pub(in crate::actors) fn measure_command(
        &self,
        room: &RoomId,
        command: &RoomCommand,
        by: &Principal,
    ) -> Measuring {
        let measuring = self.metrics().measure(Operation::from(command));
        match command {
            RoomCommand::Post(post) => {
                let subject = || Subject::of_command(room, command, by);
                measuring.about(self.spans(), post.id, subject)
            }
            _ => measuring,
        }
    }

    /// A message begins its way.
    pub(super) fn measure_message(&self, message: &Outgoing, by: &Principal) -> Measuring {
        let operation = match message.to {
            Recipients::All => Operation::Broadcast,
            Recipients::Clients(_) => Operation::Send,
        };
        let measuring = self.metrics().measure(operation);
        let subject = || Some(Subject::of_message(message, by));
        measuring.about(self.spans(), message.id, subject)
    }

    /// How many live sessions each client has.
    #[must_use]
    pub fn sessions_by_client(&self) -> Vec<(ClientId, usize)> {
        self.sessions().by_client()
    }
}
