//! Wishes, requests, answers, and trying again.

use bridge_core::aggregate::system;
use bridge_core::event::{Envelope, Event};
use bridge_core::fake::MemoryStore;
use bridge_core::mailbox::MailboxCommand;
use bridge_core::message::AckStage;
use bridge_core::owner::Request;
use bridge_core::ports::Reader;
use bridge_core::{Principal, Reject, Seq};

use super::World;
use super::shell::text_of;
use super::wishes::{Intent, wish};
use crate::checker::Violation;
use crate::clients::patience;
use crate::network::Sent;
use crate::ticket::{Reply, Ticket};

impl World {
    /// New wishes, which are sent with those that are tried again.
    pub(super) fn wish(&mut self) {
        for _ in 0..=self.rng.below(self.plan.requests_max) {
            let number = self.intents.len();
            let n = self.rng.below(self.desks.len());
            let wish = wish(&mut self.rng, number, n, &self.desks[n], &self.mirrors[n]);
            self.intend(wish);
        }
        if self.rng.one_in(6) {
            self.misuse_a_key();
        }
    }

    fn intend(&mut self, intent: Intent) {
        let number = self.intents.len();
        self.intents.push(intent);
        self.again.push((self.now, number));
    }

    /// A key whose request was carried out, with another body.
    fn misuse_a_key(&mut self) {
        let Some(number) = self.some_receipt() else {
            return;
        };
        let (n, fresh) = (self.intents[number].desk, self.intents.len());
        let other = wish(&mut self.rng, fresh, n, &self.desks[n], &self.mirrors[n]);
        let used = &self.intents[number];
        if other.by == used.by && other.key.is_some() && other.command != used.command {
            let key = used.key.clone();
            let is_misuse = true;
            self.intend(Intent {
                key,
                is_misuse,
                ..other
            });
        }
    }

    /// An intent with a key and a receipt.
    fn some_receipt(&mut self) -> Option<usize> {
        let number = self.rng.below(self.intents.len().max(1));
        let intent = self.intents.get(number)?;
        (intent.key.is_some() && intent.receipt.is_some()).then_some(number)
    }

    pub(super) fn try_again(&mut self) {
        let now = self.now;
        let mut due: Vec<_> = self
            .again
            .extract_if(.., |(when, _)| *when <= now)
            .collect();
        // A client that has its receipt may ask again: it never saw it, as far as it knows.
        if now < self.plan.ticks
            && let Some(number) = self.some_receipt()
        {
            due.push((now, number));
        }
        for (_, number) in due {
            self.send(number);
        }
    }

    fn send(&mut self, number: usize) {
        let has_key = self.intents[number].key.is_some();
        let (rng, now) = (&mut self.rng, self.now);
        match self.network.send(rng, now, number, has_key) {
            Sent::Times(times) => self.intents[number].under_way += times,
            // Whoever waits gives up after a while.
            Sent::Lost => self.not_yet(number, false),
        }
    }

    pub(super) fn arrive(&mut self) -> Result<(), Violation> {
        for number in self.network.arrived(self.now) {
            self.ask(number)?;
        }
        Ok(())
    }

    /// The server asks for something once, and knows under which number.
    pub(super) fn order(
        &mut self,
        n: usize,
        by: Principal,
        command: MailboxCommand,
    ) -> Result<usize, Violation> {
        let number = self.intents.len();
        self.intents.push(Intent::new(n, by, command, None));
        self.intents[number].under_way += 1;
        self.ask(number)?;
        Ok(number)
    }

    fn ask(&mut self, number: usize) -> Result<(), Violation> {
        let intent = &self.intents[number];
        let n = intent.desk;
        let (command, key) = intent.request(&self.ids);
        let request = Request {
            command,
            by: intent.by.clone(),
            key,
            asker: Ticket::new(number, &self.inbox),
        };
        self.submit(n, request)
    }

    pub(super) fn open_the_inbox(&mut self) -> Result<(), Violation> {
        loop {
            // Taken out first: what follows may put new answers in.
            let next = self.inbox.borrow_mut().pop_front();
            let Some((number, reply)) = next else {
                return Ok(());
            };
            self.intents[number].under_way -= 1;
            // What the server asks for itself goes over no network.
            let is_far = self.intents[number].by != system();
            let reply = if is_far && self.network.loses_an_answer(&mut self.rng) {
                let may_be_written = true;
                Reply::Lost { may_be_written }
            } else {
                reply
            };
            self.hear(number, reply)?;
        }
    }

    fn hear(&mut self, number: usize, reply: Reply) -> Result<(), Violation> {
        let is_done = matches!(reply, Reply::Done(_) | Reply::Known(_) | Reply::Unchanged);
        self.errand_is_back(number, is_done);
        match reply {
            Reply::Done(seq) => self.receipt(number, seq),
            Reply::Known(seq) => {
                self.count("repeats");
                self.receipt(number, seq)
            }
            Reply::Refused(reject) if reject.is_temporary() => {
                self.not_yet(number, reject == Reject::OutcomeUnknown);
                Ok(())
            }
            Reply::Unchanged | Reply::Refused(_) => Ok(()),
            Reply::Lost { may_be_written } => {
                self.not_yet(number, may_be_written);
                Ok(())
            }
        }
    }

    fn receipt(&mut self, number: usize, seq: Seq) -> Result<(), Violation> {
        let intent = &self.intents[number];
        let n = intent.desk;
        if intent.is_misuse {
            return Err(format!("a misused key got the receipt {seq}"));
        }
        let stream = self.desks[n].stream();
        let Some(record) = record(&self.store, &stream, seq) else {
            return Err(format!(
                "an acknowledged record is not in the log: {stream} {seq}"
            ));
        };
        if !is_what_was_asked(&record, intent) {
            return Err(format!("{stream} {seq} is not what was asked for"));
        }
        if intent.key.is_some() && intent.receipt.is_some_and(|first| first != seq) {
            return Err(format!("a repeat got {seq}, not {:?}", intent.receipt));
        }
        if let (Event::MessageDone(_), Some(about)) = (&record.event, record.event.about()) {
            self.finished.insert((n, about.message));
        }
        self.count("receipts");
        self.intents[number].receipt = Some(seq);
        Ok(())
    }

    /// Whoever has a key asks again. Whoever has none would ask for a second message.
    fn not_yet(&mut self, number: usize, may_be_written: bool) {
        self.count_by("unknown outcomes", u64::from(may_be_written));
        let intent = &mut self.intents[number];
        intent.may_be_written |= may_be_written;
        if intent.key.is_some() {
            let when = self.now + patience(&mut self.rng);
            self.again.push((when, number));
        }
    }

    /// That there is nothing to do rests on what is durable, too. Called at the moment of the
    /// answer.
    pub(super) fn is_so_already(&mut self, number: usize) -> Result<(), Violation> {
        let intent = &self.intents[number];
        let n = intent.desk;
        self.mirrors[n].look(&self.store)?;
        let log = self.mirrors[n].log();
        let is_so = match &intent.command {
            MailboxCommand::Ack(ack) => {
                let about = |record: &&Envelope| {
                    record.event.about().is_some_and(|about| about.id == ack.id)
                };
                let says = |record: &Envelope| match ack.stage {
                    AckStage::Seen => matches!(record.event, Event::MessageSeen(_)),
                    AckStage::Done => matches!(record.event, Event::MessageDone(_)),
                    AckStage::Failed => matches!(record.event, Event::MessageReturned(_)),
                };
                log.iter().filter(about).any(says)
            }
            MailboxCommand::Open { .. } => {
                let is_opened = |record: &Envelope| matches!(record.event, Event::MailboxOpened(_));
                log.iter().any(is_opened)
            }
            MailboxCommand::BroadcastsRead { through } => log.iter().any(|record| {
                matches!(&record.event, Event::BroadcastsRead(read) if read.through >= *through)
            }) || *through == Seq::ZERO,
            MailboxCommand::Deliver(_) | MailboxCommand::KeepReceipt(_) => false,
            _ => true,
        };
        if is_so {
            return Ok(());
        }
        let what = intent.command.name();
        Err(format!(
            "{what} was said to be so already, which is not in the log"
        ))
    }

    /// A repeat of what was carried out must never be refused, and what is refused for what the log
    /// says must stand there. Called at the moment of the refusal.
    pub(super) fn is_rightly_refused(
        &mut self,
        number: usize,
        reject: &Reject,
    ) -> Result<(), Violation> {
        let intent = &self.intents[number];
        let is_noticed = intent.is_misuse && *reject == Reject::KeyReused;
        self.count_by("misused keys", u64::from(is_noticed));
        if is_noticed || reject.is_temporary() {
            return Ok(());
        }
        let intent = &self.intents[number];
        let mirror = &mut self.mirrors[intent.desk];
        mirror.look(&self.store)?;
        if let Some(seq) = mirror.find(intent.by.client(), intent.key.as_ref()) {
            return Err(format!("a repeat of {seq} was refused: {reject}"));
        }
        match reject {
            Reject::MessageNotFound(id) if mirror.message(*id).is_some() => {
                Err(format!("{id} was not found, and is there"))
            }
            Reject::Internal { detail } => Err(detail.clone()),
            _ => Ok(()),
        }
    }
}

/// Whether a record is what a request led to.
fn is_what_was_asked(record: &Envelope, intent: &Intent) -> bool {
    let word = record.key.as_ref().map(|key| &key.word);
    let id = record.event.about().map(|about| about.id);
    let fits = match (&intent.command, &record.event) {
        (MailboxCommand::Deliver(_), _) => text_of(record) == intent.text(),
        (MailboxCommand::Ack(ack), event) => {
            let stage = match event {
                Event::MessageSeen(_) => AckStage::Seen,
                Event::MessageDone(_) => AckStage::Done,
                Event::MessageReturned(_) | Event::MessageDied(_) => AckStage::Failed,
                _ => return false,
            };
            id == Some(ack.id) && stage == ack.stage
        }
        (MailboxCommand::KeepReceipt(keep), Event::ReceiptKept(kept)) => *kept == keep.receipt,
        (MailboxCommand::KeepReceipt(_), _) => false,
        _ => true,
    };
    fits && record.by == *intent.by.client() && word == intent.key.as_ref()
}

fn record(store: &MemoryStore, stream: &bridge_core::event::Stream, seq: Seq) -> Option<Envelope> {
    let page = store.page(stream, seq.prev(), 1);
    let page = page.expect("the memory store can be read");
    page.into_iter().next()
}
