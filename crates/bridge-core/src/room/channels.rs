//! Topics inside a room.

use crate::command::CreateChannel;
use crate::event::{ChannelCreated, Event};
use crate::id::{ChannelName, Timestamp};
use crate::limits;
use crate::policy::Who;
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::{Channel, Room};
use crate::text::Topic;

impl Room {
    pub(super) fn decide_create_channel(
        &self,
        create: &CreateChannel,
        by: &Principal,
    ) -> Result<Vec<Event>, Reject> {
        self.member(by.client())?;
        if self.policy.create_channels == Who::Coordinators && !self.leads(by) {
            return Err(Reject::Forbidden(
                "only a coordinator may create channels in this room",
            ));
        }
        if self.channels.contains_key(&create.name.folded()) {
            return Err(Reject::ChannelExists(create.name.clone()));
        }
        Reject::when_full(self.channels.len(), "channels", limits::ROOM_CHANNELS_MAX)?;
        let created = ChannelCreated {
            channel: create.name.clone(),
            topic: create.topic.clone(),
        };
        Ok(vec![Event::ChannelCreated(created)])
    }

    pub(super) fn apply_channel(&mut self, created: &ChannelCreated, at: Timestamp) {
        self.insert_channel(created.channel.clone(), created.topic.clone(), at);
    }

    pub(super) fn insert_channel(&mut self, name: ChannelName, topic: Topic, at: Timestamp) {
        self.channels.insert(
            name.folded(),
            Channel {
                name,
                topic,
                created_at: at,
            },
        );
    }

    /// The channel's own spelling of its name.
    pub(super) fn channel(&self, name: &ChannelName) -> Result<&ChannelName, Reject> {
        let found = self.channels.get(&name.folded());
        found
            .map(|channel| &channel.name)
            .ok_or_else(|| Reject::ChannelNotFound(name.clone()))
    }
}
