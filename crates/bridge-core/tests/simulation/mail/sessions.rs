//! Sessions: they come and go, get what is ready, and say so to the log.

use std::collections::BTreeMap;

use bridge_core::Seq;
use bridge_core::aggregate::system;
use bridge_core::mailbox::{Handed, Held, MailboxCommand, Phase, Return};
use bridge_core::message::Ending;

use super::{Errand, RULES, World};
use crate::checker::Violation;

/// In which attempt a session gets a message now, if it does.
fn attempt_for(held: &Held, has: &BTreeMap<Seq, u32>, now: bridge_core::Timestamp) -> Option<u32> {
    let attempt = match held.phase {
        _ if held.is_over(now) => return None,
        Phase::Waiting { not_before } if now >= not_before => held.attempts + 1,
        // It has it, or it is on its way back from a session that is gone.
        Phase::Waiting { .. } | Phase::Leased(_) => return None,
    };
    (has.get(&held.about.message) != Some(&attempt)).then_some(attempt)
}

impl World {
    pub(super) fn sessions(&mut self) -> Result<(), Violation> {
        for n in 0..self.desks.len() {
            let is_over = self.now >= self.plan.ticks;
            match &self.desks[n].session {
                None if !is_over && self.rng.one_in(12) => {
                    self.desks[n].awake();
                    self.desks[n].session = Some(BTreeMap::new());
                }
                Some(_) if is_over || self.rng.one_in(40) => self.lose_session(n)?,
                _ => {}
            }
            self.deliver(n)?;
            if !self.desks[n].written.is_empty() && self.rng.one_in(3) {
                self.flush(n)?;
            }
        }
        Ok(())
    }

    /// What is ready is written to the session.
    fn deliver(&mut self, n: usize) -> Result<(), Violation> {
        let now = self.at();
        let (Some(mailbox), Some(has)) = (self.shown(n), &self.desks[n].session) else {
            return Ok(());
        };
        let ready = mailbox.open().filter_map(|held| {
            let attempt = attempt_for(held, has, now)?;
            Some((held.about.message, attempt))
        });
        let ready: Vec<_> = ready.take(2).collect();
        for (message, attempt) in ready {
            if self.finished.contains(&(n, message)) {
                return Err(format!("{message} is written to a session after its end"));
            }
            self.count("written to sessions");
            let desk = &mut self.desks[n];
            desk.written.push((message, attempt));
            if let Some(has) = &mut desk.session {
                has.insert(message, attempt);
            }
        }
        Ok(())
    }

    fn flush(&mut self, n: usize) -> Result<(), Violation> {
        let messages = std::mem::take(&mut self.desks[n].written);
        let handed = Handed {
            messages: messages.clone(),
            rules: RULES,
        };
        // Noted first: it may be answered at once.
        let number = self.intents.len();
        self.errands.insert(number, Errand::Handed(messages));
        let ordered = self.order(n, system(), MailboxCommand::Handed(handed))?;
        debug_assert_eq!(ordered, number, "the numbers count up");
        Ok(())
    }

    /// What it had comes back. What it was sent is in the log before its end is.
    fn lose_session(&mut self, n: usize) -> Result<(), Violation> {
        self.count("lost sessions");
        if !self.desks[n].written.is_empty() {
            self.flush(n)?;
        }
        let had = self.desks[n].session.take().unwrap_or_default();
        let back = Return {
            messages: had.into_iter().collect(),
            ending: Ending::ConnectionLost,
            rules: RULES,
        };
        self.order(n, system(), MailboxCommand::Return(back))?;
        Ok(())
    }

    /// What became of something that the server asked for in its own name.
    pub(super) fn errand_is_back(&mut self, number: usize, is_done: bool) {
        let Some(Errand::Handed(messages)) = self.errands.remove(&number) else {
            return;
        };
        let n = self.intents[number].desk;
        if !is_done && self.desks[n].home.is_some() {
            // Else nobody would ever take it back.
            self.desks[n].written.extend(messages);
        }
    }
}
