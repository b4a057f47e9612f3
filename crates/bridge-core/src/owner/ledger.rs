//! Two states of one stream: what is committed, and what will be once the appends in flight land.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::aggregate::{Aggregate, Undecided};
use crate::command::Key;
use crate::event::Envelope;
use crate::id::{Seq, Timestamp};
use crate::principal::Principal;
use crate::reject::Reject;

/// The records that follow from one command. They are appended all or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// At least one; their seqs are contiguous. Only the first carries the command's key.
    pub envelopes: Vec<Arc<Envelope>>,
}

impl Draft {
    /// The position of its first record.
    #[must_use]
    pub fn first_seq(&self) -> Seq {
        self.envelopes[0].seq
    }
}

/// What a ledger makes of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Append this; it is pending from now on.
    Append(Draft),
    /// The key is known: the command led to the record at this position, which may be pending.
    Duplicate(Seq),
    /// The key was used for another command, which led to the record at this position. While that
    /// is pending it is not certain: the log may know the key from a time that the state forgot.
    Reused(Seq),
    /// Nothing follows: everything is as the command wants it.
    Nothing,
}

/// A state with its appends in flight.
///
/// Commands are decided against committed plus pending state: a decision on committed state alone
/// would make a channel twice when two requests for it are in flight.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger<S> {
    committed: S,
    tentative: S,
    pending: VecDeque<Draft>,
}

impl<S: Aggregate> Ledger<S> {
    /// A ledger of a state as its log has it.
    #[must_use]
    pub fn new(state: S) -> Self {
        Self {
            tentative: state.clone(),
            committed: state,
            pending: VecDeque::new(),
        }
    }

    /// The state as its log has it. Only this may be shown.
    #[must_use]
    pub const fn committed(&self) -> &S {
        &self.committed
    }

    /// The state with everything that is pending.
    #[must_use]
    pub const fn tentative(&self) -> &S {
        &self.tentative
    }

    /// Drafts that are neither confirmed nor rolled back.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Decides a command and, when something follows from it, takes it in as pending.
    ///
    /// # Errors
    /// Why it is refused, or what must be looked up first; then nothing has changed.
    pub fn submit(
        &mut self,
        command: &S::Command,
        by: &Principal,
        key: Option<&Key>,
        now: Timestamp,
    ) -> Result<Decision, Undecided<S::Question>> {
        if let Some(decision) = self.known(by, key)? {
            return Ok(decision);
        }
        let at = now.max(self.tentative.last_at());
        let events = self.tentative.decide(command, by, at)?;
        if events.is_empty() {
            return Ok(Decision::Nothing);
        }
        let stream = self.tentative.spelling(command);
        let mut seq = self.tentative.head();
        let mut envelopes = Vec::with_capacity(events.len());
        for event in events {
            seq = seq.next();
            envelopes.push(Arc::new(Envelope {
                stream: stream.clone(),
                seq,
                at,
                by: by.client().clone(),
                key: key.filter(|_| envelopes.is_empty()).cloned(),
                event,
            }));
        }
        for envelope in &envelopes {
            self.tentative.apply(envelope);
        }
        let draft = Draft { envelopes };
        self.pending.push_back(draft.clone());
        Ok(Decision::Append(draft))
    }

    /// Whether nothing follows from a command even as the log is now, whatever becomes of what is
    /// pending.
    pub(super) fn is_settled(&self, command: &S::Command, by: &Principal, now: Timestamp) -> bool {
        let at = now.max(self.committed.last_at());
        let decided = self.committed.decide(command, by, at);
        decided.is_ok_and(|events| events.is_empty())
    }

    fn known(&self, by: &Principal, key: Option<&Key>) -> Result<Option<Decision>, Reject> {
        let Some(key) = key else { return Ok(None) };
        let Some((seq, fingerprint)) = self.tentative.keys().find(by.client(), &key.word) else {
            return Ok(None);
        };
        self.tentative.admits(by)?;
        Ok(Some(if fingerprint == key.fingerprint {
            Decision::Duplicate(seq)
        } else {
            Decision::Reused(seq)
        }))
    }

    /// The oldest pending draft has become durable. Returns it.
    ///
    /// # Panics
    /// When nothing is pending: then an answer was counted twice.
    pub fn confirm(&mut self) -> Draft {
        let draft = self
            .pending
            .pop_front()
            .expect("an answer belongs to a pending draft");
        if self.pending.is_empty() {
            // As for what its owner has in flight.
            self.pending = VecDeque::new();
        }
        for envelope in &draft.envelopes {
            self.committed.apply(envelope);
        }
        draft
    }

    /// Forgets everything that is pending: none of it will land.
    pub fn roll_back(&mut self) {
        self.pending.clear();
        self.tentative = self.committed.clone();
    }
}
