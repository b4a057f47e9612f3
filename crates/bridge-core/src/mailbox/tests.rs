//! What a mailbox makes of commands: decided, and taken in, through the ledger, with a clock that
//! the test turns.

mod acks;
mod attempts;
mod calls;
mod delivering;
mod due;
mod order;
mod owner;
mod properties;
mod receipts;
mod replies;
mod snapshots;

use uuid::Uuid;

use super::{
    Ack, Batch, Deliver, Due, Found, Handed, Mailbox, MailboxCommand, Reserved, Return, Rules, Take,
};
use crate::aggregate::{Aggregate, Undecided, system};
use crate::event::{Envelope, Event};
use crate::id::{ClientId, MessageId, Moment, Seq, Timestamp};
use crate::message::{
    AckStage, Body, Ending, Failure, MessageKind, Outgoing, Priority, Recipients, ReplyWanted,
    Stage, Trace,
};
use crate::owner::{Decision, Ledger};
use crate::ports::{Delivery, DueDelivery};
use crate::principal::{Principal, Scopes};
use crate::reject::{Reject, RejectCode};
use crate::steady::Steady;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

fn client(name: &str) -> ClientId {
    name.parse().expect("a valid name")
}

fn principal(name: &str) -> Principal {
    Principal::new(client(name), Scopes::default())
}

fn message(n: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(n))
}

/// A message to Bob: its id is its number.
fn outgoing(n: u128) -> Outgoing {
    Outgoing {
        id: message(n),
        to: Recipients::one(client("bob")),
        body: Body::Text(format!("message {n}").parse().expect("a valid text")),
        kind: MessageKind::Message,
        priority: Priority::default(),
        ttl_seconds: 3_600,
        reply_to: None,
        expects_reply: None,
        keep: false,
        trace_given: None,
        trace: Trace::begin(Uuid::from_u128(n)),
        metadata: None,
    }
}

fn urgent(n: u128, priority: u8) -> Outgoing {
    Outgoing {
        priority: priority.try_into().expect("a valid priority"),
        ..outgoing(n)
    }
}

fn question(n: u128, deadline_seconds: Option<u32>) -> Outgoing {
    Outgoing {
        expects_reply: Some(ReplyWanted { deadline_seconds }),
        ..outgoing(n)
    }
}

/// Bob's mailbox, with its log.
#[derive(Debug, Clone)]
struct Scene {
    ledger: Ledger<Mailbox>,
    log: Vec<Envelope>,
    now: i64,
    passed: Moment,
    steady: Steady,
    rules: Rules,
}

impl Scene {
    /// Bob has never shown a token.
    fn unknown() -> Self {
        Self {
            ledger: Ledger::new(Mailbox::vacant(client("bob"))),
            log: Vec::new(),
            now: 1_000_000,
            passed: Moment::default(),
            steady: Steady::begin(Timestamp::from_millis(1_000_000), Moment::default()),
            rules: Rules::default(),
        }
    }

    /// Bob is known.
    fn known() -> Self {
        let mut scene = Self::unknown();
        let open = MailboxCommand::Open {
            broadcasts_read: Seq::ZERO,
        };
        scene.must("bob", &open);
        scene
    }

    /// Bob is known, and so many messages wait.
    fn with_messages(count: u128) -> Self {
        let mut scene = Self::known();
        for n in 1..=count {
            scene.send(outgoing(n));
        }
        scene
    }

    fn mailbox(&self) -> &Mailbox {
        self.ledger.committed()
    }

    fn turn(&mut self, millis: i64) {
        self.now += millis;
        self.passed = self.passed.plus_millis(millis.unsigned_abs());
        self.steady.now(self.at(), self.passed);
    }

    /// The clock is set, and no time goes by.
    fn set_forward(&mut self, millis: i64) {
        self.now += millis;
        self.steady.now(self.at(), self.passed);
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn run(
        &mut self,
        by: &Principal,
        command: &MailboxCommand,
    ) -> Result<Vec<Event>, Undecided<MessageId>> {
        let at = self.at();
        match self.ledger.submit(command, by, None, at)? {
            Decision::Append(draft) => {
                assert_eq!(self.ledger.confirm(), draft);
                let records = draft.envelopes.iter().map(|e| (**e).clone());
                self.log.extend(records);
                Ok(draft.envelopes.iter().map(|e| e.event.clone()).collect())
            }
            Decision::Nothing => Ok(Vec::new()),
            other => panic!("without a key nothing is known: {other:?}"),
        }
    }

    fn must(&mut self, by: &str, command: &MailboxCommand) -> Vec<Event> {
        self.run(&principal(by), command).expect("it is allowed")
    }

    fn system(&mut self, command: &MailboxCommand) -> Vec<Event> {
        self.run(&system(), command).expect("the server may")
    }

    fn refused(&mut self, by: &str, command: &MailboxCommand) -> RejectCode {
        let before = self.clone();
        let outcome = self.run(&principal(by), command);
        assert_eq!(
            self.mailbox(),
            before.mailbox(),
            "a refusal changes nothing"
        );
        match outcome {
            Err(Undecided::Refused(reject)) => reject.code(),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Ann sends a message. Returns the record that stored it.
    fn send(&mut self, message: Outgoing) -> Seq {
        self.must("ann", &deliver(message));
        self.mailbox().head()
    }

    /// Messages were written to a session, for the next time.
    fn hand(&mut self, messages: &[Seq]) -> Vec<Event> {
        let next = |seq: &Seq| {
            let attempts = self.mailbox().held(*seq).map_or(0, |held| held.attempts);
            (*seq, attempts + 1)
        };
        let messages = messages.iter().map(next).collect();
        self.hand_as(messages)
    }

    fn hand_as(&mut self, messages: Vec<(Seq, u32)>) -> Vec<Event> {
        let handed = Handed {
            messages,
            rules: self.rules,
        };
        self.system(&MailboxCommand::Handed(handed))
    }

    fn lose(&mut self, messages: &[(Seq, u32)], ending: Ending) -> Vec<Event> {
        let back = Return {
            messages: messages.to_vec(),
            ending,
            rules: self.rules,
        };
        self.system(&MailboxCommand::Return(back))
    }

    fn take(&mut self, confirm: Option<Batch>, messages_max: usize) -> Vec<Event> {
        let take = self.taking(confirm, messages_max);
        self.must("bob", &MailboxCommand::Take(take))
    }

    fn taking(&self, confirm: Option<Batch>, messages_max: usize) -> Take {
        Take {
            is_new_call: true,
            confirm,
            messages_max,
            bytes_max: usize::MAX,
            only_from: None,
            rules: self.rules,
        }
    }

    fn acking(&self, n: u128, stage: AckStage) -> Ack {
        Ack {
            rules: self.rules,
            ..acking(n, stage)
        }
    }

    /// Bob acknowledges; what the mailbox does not remember is looked up for it.
    fn ack(&mut self, n: u128, stage: AckStage) -> Result<Vec<Event>, Reject> {
        let mut ack = self.acking(n, stage);
        match self.run(
            &principal("bob"),
            &MailboxCommand::Ack(Box::new(ack.clone())),
        ) {
            Ok(events) => Ok(events),
            Err(Undecided::Refused(reject)) => Err(reject),
            Err(Undecided::LookUp(id)) => {
                assert_eq!(id, message(n));
                ack.found = Some(self.look_up(n));
                let again = MailboxCommand::Ack(Box::new(ack));
                self.run(&principal("bob"), &again)
                    .map_err(|why| match why {
                        Undecided::Refused(reject) => reject,
                        Undecided::LookUp(id) => panic!("{id} was looked up"),
                    })
            }
        }
    }

    /// What a store would say of a message, which has the same log.
    fn look_up(&self, n: u128) -> Found {
        let stored = self.log.iter().find(|record| match &record.event {
            Event::MessageStored(stored) => stored.id == message(n),
            _ => false,
        });
        Found {
            as_of: self.mailbox().head(),
            delivery: stored.map(|stored| Box::new(self.delivery(stored))),
        }
    }

    fn delivery(&self, stored: &Envelope) -> Delivery {
        let mut delivery = Delivery {
            stage: Stage::Stored,
            attempts: 0,
            failures: Vec::new(),
            stored: stored.clone(),
        };
        for record in &self.log {
            if record.event.about().map(|about| about.message) != Some(stored.seq) {
                continue;
            }
            match &record.event {
                Event::MessageDelivered(delivered) => {
                    delivery.stage = Stage::Delivered;
                    delivery.attempts = delivered.attempt;
                }
                Event::MessageReturned(returned) if returned.ending.counts() => {
                    delivery.stage = Stage::Delivered;
                    delivery.failures.push(Failure {
                        attempt: returned.attempt,
                        at: record.at,
                        ending: returned.ending,
                        reason: returned.reason.clone(),
                    });
                }
                Event::MessageSeen(_) => delivery.stage = Stage::Seen,
                Event::MessageDone(_) => delivery.stage = Stage::Done,
                Event::MessageExpired(_) => delivery.stage = Stage::Expired,
                Event::MessageDied(died) => {
                    delivery.stage = Stage::Dead;
                    delivery.failures.clone_from(&died.failures);
                }
                _ => {}
            }
        }
        delivery
    }

    /// What a store would say is due now.
    fn due_rows(&self) -> Vec<DueDelivery> {
        let mut rows = Vec::new();
        for record in &self.log {
            let Event::MessageStored(stored) = &record.event else {
                continue;
            };
            let stage = self.delivery(record).stage;
            let held = self.mailbox().held(record.seq);
            let due_at = held.map_or(stored.ends_at(), super::Held::due_at);
            if !stage.is_terminal() && due_at <= self.at() {
                rows.push(DueDelivery {
                    about: crate::event::About {
                        message: record.seq,
                        id: stored.id,
                        from: record.by.clone(),
                    },
                    stage,
                    expires_at: stored.expires_at,
                    deadline: stored.deadline,
                });
            }
        }
        rows
    }

    /// Time has passed: whatever is due happens.
    fn sweep(&mut self) -> Vec<Event> {
        let due = Due {
            as_of: self.mailbox().head(),
            rows: self.due_rows(),
            steps: self.steady.steps(),
            rules: self.rules,
        };
        self.system(&MailboxCommand::Due(due))
    }

    /// The mailbox as another process would read it.
    fn restarted(&self) -> Self {
        let mut mailbox = Mailbox::vacant(client("BOB"));
        for record in &self.log {
            mailbox.apply(record);
        }
        Self {
            ledger: Ledger::new(mailbox),
            ..self.clone()
        }
    }

    /// The same, from a snapshot: it has forgotten what it need not know.
    fn woken(&self) -> Self {
        let bytes = self.mailbox().to_snapshot().expect("something to keep");
        let mailbox = Mailbox::from_snapshot(&bytes).expect("its own snapshot");
        Self {
            ledger: Ledger::new(mailbox),
            ..self.clone()
        }
    }
}

fn acking(n: u128, stage: AckStage) -> Ack {
    Ack {
        id: message(n),
        stage,
        reason: None,
        found: None,
        rules: Rules::default(),
    }
}

fn deliver(message: Outgoing) -> MailboxCommand {
    MailboxCommand::Deliver(Box::new(Deliver {
        message,
        reserved: Reserved::Others(0),
        as_at_home: None,
    }))
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::kind).collect()
}

/// The numbers of the messages that were handed over, in their order.
fn delivered(events: &[Event]) -> Vec<u128> {
    let about = events.iter().filter_map(|event| match event {
        Event::MessageDelivered(delivered) => Some(delivered.about.id),
        _ => None,
    });
    about
        .map(|id| u128::from_be_bytes(*id.as_bytes()))
        .collect()
}
