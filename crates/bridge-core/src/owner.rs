//! The owner of a stream's log: requests in, effects out.
//!
//! The shell around it (an actor, or a simulation) hands appends to the log and brings back the
//! log's answers in the same order. Everything that is hard about several appends in flight, which
//! may be refused, found to be duplicates, or lost, is decided here.

mod keys;
mod ledger;

use std::collections::VecDeque;

use crate::aggregate::{Aggregate, Undecided};
use crate::command::{Fingerprint, Key};
use crate::event::Envelope;
use crate::id::{ClientId, Seq, Timestamp};
use crate::principal::Principal;
use crate::reject::Reject;

pub use keys::RecentKeys;
pub use ledger::{Decision, Draft, Ledger};

/// Whoever waits for the answer to a request.
pub trait Asker {
    /// From now on a lost request may have been carried out.
    fn handed_to_log(&mut self);
}

/// A command with its sender, and somebody who waits for the answer.
#[derive(Debug)]
pub struct Request<C, T> {
    /// What is asked.
    pub command: C,
    /// By whom.
    pub by: Principal,
    /// Under which key.
    pub key: Option<Key>,
    /// Who waits.
    pub asker: T,
}

/// What the shell must do, in this order, before it brings the owner anything else: the log's
/// answers are told apart by nothing but the order of the appends.
#[derive(Debug)]
pub enum Effect<S: Aggregate, T> {
    /// Hand this to the log.
    Append(Draft),
    /// It is durable: answer, and tell everybody.
    Committed {
        /// What happened.
        draft: Draft,
        /// Who waits.
        asker: T,
    },
    /// Its record is durable already: it repeats a known key, or it landed behind an append whose
    /// outcome is not known, and then it is ahead of [`Owner::state`]. Answer with the record.
    Known {
        /// Where the record is.
        seq: Seq,
        /// Who waits.
        asker: T,
    },
    /// The answer is no.
    Refused {
        /// Why.
        reject: Reject,
        /// Who waits.
        asker: T,
    },
    /// The answer is no, or that there is nothing to do, unless the log knows the key: the state
    /// remembers the recent ones only, and a repeat is never told that it cannot be done what it did.
    /// Look the key up, and answer with [`PendingRefusal::settle`].
    CheckKey {
        /// The key, its sender and the answer.
        refusal: PendingRefusal,
        /// Who waits.
        asker: T,
    },
    /// Everything is as the request wants it, and nothing was written. Answer so.
    Unchanged {
        /// Who waits.
        asker: T,
    },
    /// Look something up, and submit the request again with what was found.
    LookUp {
        /// What.
        question: S::Question,
        /// The request that depends on it.
        request: Request<S::Command, T>,
    },
    /// Its sender waits for a look-up that was asked for in front of it: submit it again behind
    /// that, so that what a client says in order is decided in order.
    Behind(Request<S::Command, T>),
    /// Read the state from its log again and bring it by [`Owner::loaded`].
    Reload,
}

/// The answer to a request, which writes nothing, with a key that the state does not remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRefusal {
    /// Who sent it.
    pub by: ClientId,
    /// Under which key.
    pub key: Key,
    /// Why it is refused; `None` when there is nothing to do.
    reject: Option<Reject>,
}

impl PendingRefusal {
    /// The position of the original, when the log knows the key; `None` when it does not, and
    /// there is nothing to do.
    ///
    /// # Errors
    /// The refusal, or [`Reject::KeyReused`] when the key was used for something else.
    pub fn settle(self, found: Option<(Seq, Fingerprint)>) -> Result<Option<Seq>, Reject> {
        match found {
            None => self.reject.map_or(Ok(None), Err),
            Some((seq, fingerprint)) if fingerprint == self.key.fingerprint => Ok(Some(seq)),
            Some(_) => Err(Reject::KeyReused),
        }
    }
}

/// The log's answer to one append. Answers come in the order of the appends.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is durable.
    Stored,
    /// Its key stands in the log already; nothing was appended.
    Duplicate(Box<Envelope>),
    /// It does not follow the log's last record, or comes from an earlier life of the owner;
    /// nothing was appended.
    NotNext,
    /// The store refused it, for certain; nothing was appended.
    Refused(Reject),
    /// The store failed, and it is not known whether it was appended.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The state is being read.
    Loading,
    /// Requests are decided as they come.
    Live,
    /// An append did not land. The ones behind it come back one by one and are decided again.
    Rewinding,
    /// What the log holds is not known. When nothing is in flight any more, it is read again.
    Lost,
}

/// The owner of one stream's log. `T` waits for answers.
#[derive(Debug)]
pub struct Owner<S: Aggregate, T> {
    phase: Phase,
    ledger: Ledger<S>,
    arrivals: u64,
    in_flight: VecDeque<(Seq, Arrived<S::Command, T>)>,
    waiting: Vec<Arrived<S::Command, T>>,
    repeats: Vec<(Seq, Arrived<S::Command, T>)>,
}

/// A request with its place in the order of arrival. Requests are decided in that order, and
/// decided again in that order: a client may send several without waiting, and the second may need
/// the first.
#[derive(Debug)]
struct Arrived<C, T> {
    number: u64,
    request: Request<C, T>,
}

impl<S: Aggregate, T: Asker> Owner<S, T> {
    /// An owner that waits for its state to be read. Requests wait too.
    #[must_use]
    pub fn loading(vacant: S) -> Self {
        Self {
            phase: Phase::Loading,
            ledger: Ledger::new(vacant),
            arrivals: 0,
            in_flight: VecDeque::new(),
            waiting: Vec::new(),
            repeats: Vec::new(),
        }
    }

    /// The state as its log has it. While it is being read, the state before.
    #[must_use]
    pub const fn state(&self) -> &S {
        self.ledger.committed()
    }

    /// The state once everything in flight has landed: what commands are decided against.
    #[must_use]
    pub const fn tentative(&self) -> &S {
        self.ledger.tentative()
    }

    /// Whether the state is being read.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.phase == Phase::Loading
    }

    /// Whether the state has everything that anybody was told is in the log. After an append whose
    /// outcome is not known it may lack some, until it is read again.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        matches!(self.phase, Phase::Live | Phase::Rewinding)
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Live && self.in_flight.is_empty() && self.waiting.is_empty()
    }

    /// The state was read.
    pub fn loaded(&mut self, state: S, now: Timestamp, effects: &mut Vec<Effect<S, T>>) {
        debug_assert!(
            self.in_flight.is_empty(),
            "the log answers before the state is read again"
        );
        self.ledger = Ledger::new(state);
        self.phase = Phase::Live;
        self.decide_waiting(now, effects);
    }

    /// The state cannot be read: everybody who waits is told.
    pub fn not_loaded(&mut self, reject: &Reject, effects: &mut Vec<Effect<S, T>>) {
        for arrived in self.take_waiting() {
            let asker = arrived.request.asker;
            effects.push(Effect::Refused {
                reject: reject.clone(),
                asker,
            });
        }
    }

    /// A request has come.
    pub fn submit(
        &mut self,
        request: Request<S::Command, T>,
        now: Timestamp,
        effects: &mut Vec<Effect<S, T>>,
    ) {
        let arrived = Arrived {
            number: self.arrivals,
            request,
        };
        self.arrivals += 1;
        if self.phase == Phase::Live {
            self.decide(arrived, now, effects);
        } else {
            self.waiting.push(arrived);
        }
    }

    fn decide(
        &mut self,
        mut arrived: Arrived<S::Command, T>,
        now: Timestamp,
        effects: &mut Vec<Effect<S, T>>,
    ) {
        let Request {
            command, by, key, ..
        } = &arrived.request;
        match self.ledger.submit(command, by, key.as_ref(), now) {
            Ok(Decision::Append(draft)) => {
                arrived.request.asker.handed_to_log();
                self.in_flight.push_back((draft.first_seq(), arrived));
                effects.push(Effect::Append(draft));
            }
            Ok(Decision::Nothing) if self.ledger.is_settled(command, by, now) => {
                effects.push(unchanged(arrived.request));
            }
            // It rests on something in flight, whose fate is also this one's.
            Ok(Decision::Nothing) => {
                self.repeats.push((self.ledger.tentative().head(), arrived));
            }
            Ok(Decision::Duplicate(seq)) if seq <= self.state().head() => {
                effects.push(Effect::Known {
                    seq,
                    asker: arrived.request.asker,
                });
            }
            Ok(Decision::Reused(seq)) if seq <= self.state().head() => {
                effects.push(Effect::Refused {
                    reject: Reject::KeyReused,
                    asker: arrived.request.asker,
                });
            }
            // The other one is in flight: its fate is also this one's.
            Ok(Decision::Duplicate(seq) | Decision::Reused(seq)) => {
                self.repeats.push((seq, arrived));
            }
            Err(Undecided::Refused(reject)) => effects.push(refusal(arrived.request, reject)),
            Err(Undecided::LookUp(question)) => effects.push(Effect::LookUp {
                question,
                request: arrived.request,
            }),
        }
    }

    /// The log has answered the oldest append in flight.
    ///
    /// # Panics
    /// When nothing is in flight: then an answer was counted twice.
    pub fn answered(&mut self, answer: Answer, now: Timestamp, effects: &mut Vec<Effect<S, T>>) {
        let (seq, arrived) = self
            .in_flight
            .pop_front()
            .expect("an answer belongs to an append in flight");
        match answer {
            Answer::Stored if self.phase == Phase::Live => {
                self.stored(arrived.request, now, effects);
            }
            // It was decided behind an append whose outcome was not known, and landed: so did that
            // one. The sender has its receipt; readers get both when the state has been read again.
            Answer::Stored => {
                self.begin_again(Phase::Lost);
                effects.push(Effect::Known {
                    seq,
                    asker: arrived.request.asker,
                });
            }
            Answer::Duplicate(original) => {
                self.begin_again(Phase::Rewinding);
                effects.push(known_by_the_log(arrived.request, &original));
            }
            Answer::NotNext => {
                // Behind an append that did not land this is expected. In front, it says that the
                // log is not what this owner believes it to be.
                if self.phase == Phase::Live {
                    self.begin_again(Phase::Lost);
                }
                self.waiting.push(arrived);
            }
            Answer::Refused(reject) => {
                self.begin_again(Phase::Rewinding);
                effects.push(Effect::Refused {
                    reject,
                    asker: arrived.request.asker,
                });
            }
            Answer::Unknown => {
                self.begin_again(Phase::Lost);
                let reject = Reject::OutcomeUnknown;
                effects.push(Effect::Refused {
                    reject,
                    asker: arrived.request.asker,
                });
            }
        }
        if self.in_flight.is_empty() {
            // Most owners have nothing to do for most of their lives, and requests are large.
            self.in_flight = VecDeque::new();
            self.settle(now, effects);
        }
    }

    fn stored(
        &mut self,
        request: Request<S::Command, T>,
        now: Timestamp,
        effects: &mut Vec<Effect<S, T>>,
    ) {
        let draft = self.ledger.confirm();
        effects.push(Effect::Committed {
            draft,
            asker: request.asker,
        });
        let head = self.state().head();
        let certain = self.repeats.extract_if(.., |(seq, _)| *seq <= head);
        let certain: Vec<_> = certain.map(|(_, arrived)| arrived).collect();
        for arrived in certain {
            self.decide(arrived, now, effects);
        }
    }

    /// What is pending will not land. What came in since then waits its turn behind it.
    fn begin_again(&mut self, phase: Phase) {
        self.ledger.roll_back();
        if self.phase != Phase::Lost {
            self.phase = phase;
        }
    }

    /// Nothing is in flight any more: go on from what is certain.
    fn settle(&mut self, now: Timestamp, effects: &mut Vec<Effect<S, T>>) {
        match self.phase {
            Phase::Live | Phase::Loading => {}
            Phase::Rewinding => {
                self.phase = Phase::Live;
                self.decide_waiting(now, effects);
            }
            Phase::Lost => {
                self.phase = Phase::Loading;
                effects.push(Effect::Reload);
            }
        }
    }

    fn decide_waiting(&mut self, now: Timestamp, effects: &mut Vec<Effect<S, T>>) {
        let mut looking: Vec<ClientId> = Vec::new();
        for arrived in self.take_waiting() {
            let client = arrived.request.by.client().clone();
            if looking.contains(&client) {
                effects.push(Effect::Behind(arrived.request));
                continue;
            }
            let before = effects.len();
            self.decide(arrived, now, effects);
            // What stood there before is somebody else's: not every request has an effect now.
            if let [Effect::LookUp { .. }] = effects[before..] {
                looking.push(client);
            }
        }
    }

    /// Everybody who waits, in order of arrival. So a repeat comes after its original, if that is
    /// decided again at all; else it is the original now.
    fn take_waiting(&mut self) -> Vec<Arrived<S::Command, T>> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.extend(self.repeats.drain(..).map(|(_, arrived)| arrived));
        waiting.sort_by_key(|arrived| arrived.number);
        waiting
    }
}

/// Nothing follows from a request, unless the log has its key: then it is a repeat.
fn unchanged<S: Aggregate, T>(request: Request<S::Command, T>) -> Effect<S, T> {
    let Request { by, key, asker, .. } = request;
    match key {
        None => Effect::Unchanged { asker },
        Some(key) => {
            let by = by.client().clone();
            let refusal = PendingRefusal {
                by,
                key,
                reject: None,
            };
            Effect::CheckKey { refusal, asker }
        }
    }
}

/// What a token does not allow, and a key that is remembered, need no look-up.
fn refusal<S: Aggregate, T>(request: Request<S::Command, T>, reject: Reject) -> Effect<S, T> {
    let Request { by, key, asker, .. } = request;
    match key {
        Some(key) if !matches!(reject, Reject::KeyReused | Reject::ScopeMissing { .. }) => {
            let by = by.client().clone();
            let reject = Some(reject);
            let refusal = PendingRefusal { by, key, reject };
            Effect::CheckKey { refusal, asker }
        }
        _ => Effect::Refused { reject, asker },
    }
}

fn known_by_the_log<S: Aggregate, T>(
    request: Request<S::Command, T>,
    original: &Envelope,
) -> Effect<S, T> {
    let asked = request.key.as_ref().map(|key| key.fingerprint);
    let stored = original.key.as_ref().map(|key| key.fingerprint);
    if asked == stored {
        Effect::Known {
            seq: original.seq,
            asker: request.asker,
        }
    } else {
        Effect::Refused {
            reject: Reject::KeyReused,
            asker: request.asker,
        }
    }
}
