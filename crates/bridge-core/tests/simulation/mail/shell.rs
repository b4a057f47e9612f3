//! The shell around the owners: their effects are carried out.

use bridge_core::Reject;
use bridge_core::aggregate::system;
use bridge_core::event::{Envelope, Event};
use bridge_core::mailbox::{Batch, Due, Found, Mailbox, MailboxCommand, Return};
use bridge_core::message::{Body, Ending, Via};
use bridge_core::owner::{Draft, Effect, PendingRefusal, Request};
use bridge_core::ports::{Append, Directory, Reader as _, Record};

use super::desk::read;
use super::{RULES, World};
use crate::checker::{Violation, is_in_the_log};
use crate::ticket::{Reply, Ticket};

const SILENT: Reject = Reject::Retry {
    detail: "the store does not answer",
};

type Effects = Vec<Effect<Mailbox, Ticket>>;

/// What a record that stored a message says.
pub(super) fn text_of(envelope: &Envelope) -> Option<&str> {
    match &envelope.event {
        Event::MessageStored(stored) => match &stored.body {
            Body::Text(text) => Some(text),
            Body::Payload(_) => None,
        },
        _ => None,
    }
}

impl World {
    pub(super) fn submit(
        &mut self,
        n: usize,
        request: Request<MailboxCommand, Ticket>,
    ) -> Result<(), Violation> {
        let (at, mut effects) = (self.at(), Effects::new());
        let owner = &mut self.desks[n].awake().owner;
        owner.submit(request, at, &mut effects);
        self.carry_out(n, effects)
    }

    /// Some of the answers that have come, in their order.
    pub(super) fn hear_answers(&mut self) -> Result<(), Violation> {
        for n in 0..self.desks.len() {
            // A slow owner falls behind what is asked of it, as far as a server would not let it, and
            // is not slow any more when the world is to settle.
            let most = match self.writer.is_sound {
                true => self.desks[n].answers.len(),
                false => self.rng.below(6),
            };
            for _ in 0..most {
                let (at, mut effects) = (self.at(), Effects::new());
                let desk = &mut self.desks[n];
                let Some(answered) = desk.answers.pop_front() else {
                    break;
                };
                let Some(home) = &mut desk.home else {
                    continue;
                };
                if answered.incarnation == home.incarnation {
                    home.owner.answered(answered.answer, at, &mut effects);
                    self.carry_out(n, effects)?;
                }
            }
        }
        Ok(())
    }

    /// Mailboxes that are to be read are read, sooner or later; now and then the store does not
    /// answer.
    pub(super) fn read_mailboxes(&mut self) -> Result<(), Violation> {
        for n in 0..self.desks.len() {
            let home = self.desks[n].home.as_ref();
            if !home.is_some_and(|home| home.owner.is_loading()) || !self.rng.one_in(3) {
                continue;
            }
            let mut effects = Effects::new();
            if self.store_is_silent() {
                let owner = &mut self.desks[n].awake().owner;
                owner.not_loaded(&SILENT, &mut effects);
                self.carry_out(n, effects)?;
                continue;
            }
            let at = self.at();
            let mailbox = read(&self.store, &self.desks[n].client);
            let home = self.desks[n].awake();
            let is_first = !std::mem::replace(&mut home.was_read, true);
            home.owner.loaded(mailbox, at, &mut effects);
            self.carry_out(n, effects)?;
            if is_first {
                self.take_back_leases(n)?;
            }
        }
        Ok(())
    }

    /// The sessions of an earlier life are gone, whatever they had comes back.
    fn take_back_leases(&mut self, n: usize) -> Result<(), Violation> {
        let mailbox = self.desks[n].awake().owner.state();
        let leased = mailbox.open().filter_map(|held| {
            let attempt = held.attempt().filter(|attempt| attempt.via == Via::Session);
            attempt.map(|_| (held.about.message, held.attempts))
        });
        let back = Return {
            messages: leased.collect(),
            ending: Ending::ServerRestarted,
            rules: RULES,
        };
        self.order(n, system(), MailboxCommand::Return(back))?;
        Ok(())
    }

    /// All of them, in their order, before the owner hears of anything else.
    fn carry_out(&mut self, n: usize, effects: Effects) -> Result<(), Violation> {
        for effect in effects {
            match effect {
                Effect::Append(draft) => self.append(n, &draft),
                Effect::Committed { draft, asker } => {
                    self.committed(n, &draft)?;
                    asker.answer(Reply::Done(draft.first_seq()));
                }
                Effect::Known { seq, asker } => asker.answer(Reply::Known(seq)),
                Effect::Refused { reject, asker } => {
                    self.is_rightly_refused(asker.intent, &reject)?;
                    asker.answer(Reply::Refused(reject));
                }
                Effect::CheckKey { refusal, asker } => self.check_key(n, refusal, asker)?,
                Effect::LookUp { question, request } => {
                    self.look_ups.push((n, Some(question), None, request));
                }
                Effect::Behind(request) => self.look_ups.push((n, None, None, request)),
                Effect::Unchanged { asker } => self.unchanged(asker)?,
                Effect::Reload => self.count("reloads"),
            }
        }
        Ok(())
    }

    fn unchanged(&mut self, asker: Ticket) -> Result<(), Violation> {
        self.count("nothing to do");
        self.is_so_already(asker.intent)?;
        asker.answer(Reply::Unchanged);
        Ok(())
    }

    /// It is durable, and is told: what a call returns, what has ended, what goes back to sessions.
    fn committed(&mut self, n: usize, draft: &Draft) -> Result<(), Violation> {
        let mut batch: Option<Batch> = None;
        for envelope in &draft.envelopes {
            is_in_the_log(&self.store, envelope, "a record that is told")?;
            self.count(envelope.event.kind());
            let Some(about) = envelope.event.about() else {
                continue;
            };
            match &envelope.event {
                Event::MessageDelivered(delivered) => {
                    if self.finished.contains(&(n, about.message)) {
                        return Err(format!("{} is handed over after its end", about.id));
                    }
                    if delivered.via == Via::Call {
                        self.count("returned by calls");
                        let first = batch.map_or(envelope.seq, |batch| batch.first);
                        let last = envelope.seq;
                        batch = Some(Batch { first, last });
                    }
                }
                Event::MessageReturned(returned) => {
                    let reopened = u64::from(returned.reopened.is_some());
                    self.count_by("reopened", reopened);
                    if let Some(session) = &mut self.desks[n].session {
                        session.remove(&about.message);
                    }
                }
                Event::LeaseExtended(_) | Event::MessageSeen(_) => {}
                _ => {
                    self.finished.insert((n, about.message));
                }
            }
        }
        if batch.is_some() {
            self.desks[n].batch = batch;
        }
        Ok(())
    }

    /// The mailbox would refuse a request, or has nothing to do, but the log may know its key.
    fn check_key(
        &mut self,
        n: usize,
        refusal: PendingRefusal,
        asker: Ticket,
    ) -> Result<(), Violation> {
        if self.store_is_silent() {
            asker.answer(Reply::Refused(SILENT));
            return Ok(());
        }
        let stream = self.desks[n].stream();
        let found = self.store.key(&stream, &refusal.by, &refusal.key.word);
        match refusal.settle(found.expect("the memory store can be read")) {
            Ok(None) => {
                self.count("nothing to do, with a key");
                self.unchanged(asker)
            }
            Ok(Some(seq)) => {
                self.count("repeats that only the log knew");
                asker.answer(Reply::Known(seq));
                Ok(())
            }
            Err(reject) => {
                self.is_rightly_refused(asker.intent, &reject)?;
                asker.answer(Reply::Refused(reject));
                Ok(())
            }
        }
    }

    fn append(&mut self, n: usize, draft: &Draft) {
        let incarnation = self.desks[n].awake().incarnation;
        let records = draft.envelopes.iter().cloned().map(Record::new).collect();
        self.writer.push(
            n,
            Append {
                incarnation,
                records,
            },
        );
    }

    /// Some of the messages that owners have asked for are found, and some of what was found comes
    /// back: it may be out of date by then.
    pub(super) fn look_up(&mut self) -> Result<(), Violation> {
        for (n, question, found, mut request) in std::mem::take(&mut self.look_ups) {
            if self.rng.one_in(2) {
                self.look_ups.push((n, question, found, request));
                continue;
            }
            let Some(message) = question else {
                self.submit(n, request)?;
                continue;
            };
            let Some(found) = found else {
                if self.store_is_silent() {
                    request.asker.answer(Reply::Refused(SILENT));
                    continue;
                }
                let found = self.find(n, message);
                self.look_ups.push((n, question, Some(found), request));
                continue;
            };
            self.count("look-ups");
            match &mut request.command {
                MailboxCommand::Ack(ack) => ack.found = Some(found),
                MailboxCommand::Replied(replied) => replied.found = Some(found),
                other => return Err(format!("{} asks for no look-up", other.name())),
            }
            self.submit(n, request)?;
        }
        Ok(())
    }

    /// Now and then it does not answer.
    fn store_is_silent(&mut self) -> bool {
        let is_silent = !self.writer.is_sound && self.rng.one_in(20);
        self.count_by("reads without an answer", u64::from(is_silent));
        is_silent
    }

    fn find(&self, n: usize, message: bridge_core::MessageId) -> Found {
        let stream = self.desks[n].stream();
        let as_of = self.store.head(&stream).expect("it can be read");
        let delivery = self.store.delivery(&stream, message);
        let delivery = delivery.expect("it can be read").map(Box::new);
        Found { as_of, delivery }
    }

    /// The store is asked what is due, and its answer comes a while later.
    pub(super) fn sweep(&mut self) -> Result<(), Violation> {
        for (n, due) in std::mem::take(&mut self.sweeps) {
            if self.rng.one_in(2) {
                self.sweeps.push((n, due));
                continue;
            }
            self.count("sweeps");
            self.order(n, system(), MailboxCommand::Due(due))?;
        }
        let now = self.at();
        for n in 0..self.desks.len() {
            let is_asked = self.sweeps.iter().any(|(asked, _)| *asked == n);
            if is_asked || !self.mirrors[n].has_due(now) || !self.rng.one_in(3) {
                continue;
            }
            let desk = &self.desks[n];
            let as_of = self.store.head(&desk.stream()).expect("it can be read");
            let rows = self.store.due_deliveries(&desk.client, now, 64);
            let rows = rows.expect("it can be read");
            let due = Due {
                as_of,
                rows,
                steps: self.steady.borrow().steps(),
                rules: RULES,
            };
            self.sweeps.push((n, due));
        }
        Ok(())
    }

    /// A mailbox as sessions are served from it.
    pub(super) fn shown(&self, n: usize) -> Option<&Mailbox> {
        let home = self.desks[n].home.as_ref()?;
        home.owner.is_current().then(|| home.owner.state())
    }
}
