//! Messages in a room.

use crate::aggregate::Undecided;
use crate::command::Post;
use crate::event::{Event, Posted};
use crate::id::{MessageId, Seq};
use crate::principal::Principal;
use crate::room::{Room, mentions};

impl Room {
    pub(super) fn decide_post(
        &self,
        post: &Post,
        by: &Principal,
    ) -> Result<Vec<Event>, Undecided<MessageId>> {
        self.member(by.client())?;
        let channel = self.channel(&post.channel)?.clone();
        if let Some(id) = post.reply_to {
            self.knows_message(id, post.reply_seq)?;
        }
        let posted = Posted {
            id: post.id,
            channel,
            text: post.text.clone(),
            reply_to: post.reply_to,
            mentions: mentions::find(&post.text, &self.members),
            metadata: post.metadata.clone(),
        };
        Ok(vec![Event::Posted(posted)])
    }

    /// What somebody answers, or criticises, must be a message of this room. The room remembers the
    /// recent ones; for older ones the shell brings the place where it found them.
    pub(super) fn knows_message(
        &self,
        id: MessageId,
        found_at: Option<Seq>,
    ) -> Result<(), Undecided<MessageId>> {
        let is_proved = found_at.is_some_and(|seq| seq <= self.head);
        if is_proved || self.recent_posts.has(id) {
            return Ok(());
        }
        Err(Undecided::LookUp(id))
    }

    pub(super) fn apply_posted(&mut self, posted: &Posted) {
        self.posts += 1;
        self.recent_posts.note(posted.id);
    }
}
