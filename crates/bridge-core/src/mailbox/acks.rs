//! What a recipient says of a message.

use crate::aggregate::Undecided;
use crate::event::{About, Event, MessageDone, MessageSeen, MessageStored};
use crate::id::{MessageId, Seq, Timestamp};
use crate::mailbox::command::{Ack, Found, Replied};
use crate::mailbox::held::{Held, Phase};
use crate::mailbox::{Mailbox, Settled, must_be_system};
use crate::message::{AckStage, Ending, Stage};
use crate::ports::Delivery;
use crate::principal::Principal;
use crate::reject::Reject;

type Decided = Result<Vec<Event>, Undecided<MessageId>>;

/// A message that the mailbox does not hold: what it remembers of it, or what the store has.
enum Past<'a> {
    Remembered(&'a Settled),
    Stored(&'a Delivery, About),
}

impl Past<'_> {
    fn stage(&self) -> Stage {
        match self {
            Self::Remembered(settled) => settled.stage,
            Self::Stored(delivery, _) => delivery.stage,
        }
    }

    fn about(&self) -> &About {
        match self {
            Self::Remembered(settled) => &settled.about,
            Self::Stored(_, about) => about,
        }
    }
}

impl Mailbox {
    pub(super) fn decide_ack(&self, ack: &Ack, by: &Principal, now: Timestamp) -> Decided {
        self.must_be_mine(by)?;
        if let Some(held) = self.held_by_id(ack.id) {
            return Ok(Self::ack_held(held, ack, now));
        }
        let past = self.past(ack.id, ack.found.as_ref())?;
        let past = past.ok_or(Reject::MessageNotFound(ack.id))?;
        match (past.stage(), ack.stage) {
            (Stage::Seen, AckStage::Seen) | (Stage::Done, AckStage::Done) => Ok(Vec::new()),
            (Stage::Seen, AckStage::Done) => Ok(vec![done(past.about(), None)]),
            (Stage::Seen, AckStage::Failed) => self.take_up_again(ack, &past, now),
            (stage, _) => Err(Reject::StageBackwards { id: ack.id, stage }.into()),
        }
    }

    fn ack_held(held: &Held, ack: &Ack, now: Timestamp) -> Vec<Event> {
        let event = match ack.stage {
            AckStage::Seen => seen(held),
            AckStage::Done => done(&held.about, None),
            // Each of several sessions says so, or the same one again: it is one attempt.
            AckStage::Failed if held.has_failed_already() => return Vec::new(),
            AckStage::Failed => {
                let reason = ack.reason.clone();
                Self::ended(held, Ending::Failed, reason, now, ack.rules)
            }
        };
        vec![event]
    }

    /// A message that had been seen, and of which its recipient now says that it failed.
    fn take_up_again(&self, ack: &Ack, past: &Past<'_>, now: Timestamp) -> Decided {
        let delivery = match past {
            Past::Stored(delivery, _) => *delivery,
            // What is remembered is not enough; the store has the rest, unless it was asked before
            // the message had come this far: then it may know of fewer attempts than there were.
            Past::Remembered(_) => ack
                .found
                .as_ref()
                .filter(|found| self.recent.settled_at(ack.id) <= Some(found.as_of))
                .and_then(|found| found.delivery.as_deref())
                .ok_or(Undecided::LookUp(ack.id))?,
        };
        let stored = message_of(delivery)?;
        let mut held = Held::new(&delivery.stored, stored);
        held.attempts = delivery.attempts;
        held.failures.clone_from(&delivery.failures);
        held.phase = Phase::Waiting { not_before: now };
        if held.is_over(now) {
            // It is about to end as one that was seen.
            let (id, stage) = (ack.id, Stage::Expired);
            return Err(Reject::StageBackwards { id, stage }.into());
        }
        let mut event = Self::ended(&held, Ending::Failed, ack.reason.clone(), now, ack.rules);
        if let Event::MessageReturned(returned) = &mut event {
            returned.reopened = Some(held.to_reopened());
        }
        Ok(vec![event])
    }

    /// A question was answered: it is done, if it wanted an answer, and the one who asked gets it.
    pub(super) fn decide_replied(&self, replied: &Replied, by: &Principal) -> Decided {
        must_be_system(by)?;
        let is_for = |about: &About| replied.to.contains(&about.from);
        let reply = Some(replied.reply);
        if let Some(held) = self.held_by_id(replied.id) {
            let counts = held.expects_reply && is_for(&held.about);
            return Ok(if counts {
                vec![done(&held.about, reply)]
            } else {
                Vec::new()
            });
        }
        let Some(past) = self.past(replied.id, replied.found.as_ref())? else {
            return Ok(Vec::new());
        };
        if past.stage() != Stage::Seen || !is_for(past.about()) {
            return Ok(Vec::new());
        }
        // Whether it wanted an answer stands in the record that stored it.
        let delivery = self
            .fresh(replied.found.as_ref())
            .and_then(|found| found.delivery.as_deref())
            .ok_or(Undecided::LookUp(replied.id))?;
        if !message_of(delivery)?.expects_reply {
            return Ok(Vec::new());
        }
        Ok(vec![done(past.about(), reply)])
    }

    /// What is known of a message that the mailbox does not hold; `None` when it never had it.
    fn past<'a>(
        &'a self,
        id: MessageId,
        found: Option<&'a Found>,
    ) -> Result<Option<Past<'a>>, Undecided<MessageId>> {
        if let Some(settled) = self.recent.find(id) {
            return Ok(Some(Past::Remembered(settled)));
        }
        let found = self.fresh(found).ok_or(Undecided::LookUp(id))?;
        let Some(delivery) = found.delivery.as_deref() else {
            return Ok(None);
        };
        if matches!(delivery.stage, Stage::Stored | Stage::Delivered) {
            let detail = format!("{id} is open in the store and not in its mailbox");
            return Err(Reject::Internal { detail }.into());
        }
        let about = About {
            message: delivery.stored.seq,
            id,
            from: delivery.stored.by.clone(),
        };
        Ok(Some(Past::Stored(delivery, about)))
    }

    /// What was found, if everything that has changed since then is remembered.
    fn fresh<'a>(&self, found: Option<&'a Found>) -> Option<&'a Found> {
        found.filter(|found| self.recent.reaches_back_to(found.as_of))
    }

    pub(super) fn apply_seen(&mut self, seen: &MessageSeen, at: Seq) {
        self.settle(Settled::seen(&seen.about), at);
    }
}

pub(super) fn seen(held: &Held) -> Event {
    Event::MessageSeen(MessageSeen {
        about: held.about.clone(),
        ends_at: held.ends_at(),
    })
}

fn done(about: &About, reply: Option<MessageId>) -> Event {
    Event::MessageDone(MessageDone {
        about: about.clone(),
        reply,
    })
}

/// The message that a delivery is of.
fn message_of(delivery: &Delivery) -> Result<&MessageStored, Reject> {
    match &delivery.stored.event {
        Event::MessageStored(stored) => Ok(stored),
        other => Err(Reject::Internal {
            detail: format!("a delivery of {}", other.kind()),
        }),
    }
}
