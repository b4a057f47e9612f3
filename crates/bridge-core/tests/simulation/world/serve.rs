//! The clients' side: wishes, requests, answers, and trying again.

use bridge_core::command::RoomCommand;
use bridge_core::owner::Request;
use bridge_core::{ClientId, Reject, Seq};

use super::World;
use crate::checker::{Violation, is_a_receipt};
use crate::clients::{Intent, name, patience, wish};
use crate::network::Sent;
use crate::ticket::{Reply, Ticket};

impl World {
    /// New wishes, which are sent with those that are tried again.
    pub(super) fn wish(&mut self) {
        for _ in 0..=self.rng.below(self.plan.requests_max) {
            let number = self.intents.len();
            let house = self.rng.below(self.plan.rooms);
            let client = name(self.rng.below(self.plan.clients));
            let room = &self.houses[house].id;
            let shown = self.mirrors[house].room();
            let command = wish(&mut self.rng, number, self.plan.clients, room, shown);
            let key = (!self.rng.one_in(10)).then(|| format!("key-{number}"));
            let key = key.map(|word| word.parse().expect("a valid key"));
            self.intend(Intent {
                house,
                client,
                command,
                key,
                is_misuse: false,
                under_way: 0,
                receipt: None,
                may_be_written: false,
            });
        }
        if self.rng.one_in(6) {
            self.misuse_a_key();
        }
        self.say_what_is_due();
    }

    /// As the timekeeper does it: whoever is told may have nothing to do any more.
    fn say_what_is_due(&mut self) {
        for house in 0..self.houses.len() {
            let due_at = self.mirrors[house].room().due_at();
            if due_at.is_some_and(|at| at <= self.at()) && self.rng.one_in(3) {
                self.intend(Intent {
                    house,
                    client: ClientId::system(),
                    command: RoomCommand::Conclude,
                    key: None,
                    is_misuse: false,
                    under_way: 0,
                    receipt: None,
                    may_be_written: false,
                });
            }
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
        let used = &self.intents[number];
        let mut command = wish(
            &mut self.rng,
            self.intents.len(),
            self.plan.clients,
            &self.houses[used.house].id,
            self.mirrors[used.house].room(),
        );
        if command == used.command {
            command = RoomCommand::Leave;
        }
        let misuse = Intent {
            house: used.house,
            client: used.client.clone(),
            is_misuse: command != used.command,
            command,
            key: used.key.clone(),
            under_way: 0,
            receipt: None,
            may_be_written: false,
        };
        if misuse.is_misuse {
            self.intend(misuse);
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

    fn ask(&mut self, number: usize) -> Result<(), Violation> {
        let intent = &self.intents[number];
        let house = intent.house;
        let (command, key) = intent.request(&self.ids);
        let asker = Ticket::new(number, &self.inbox);
        let request = Request {
            command,
            by: intent.by(),
            key,
            asker,
        };
        self.submit(house, request)
    }

    pub(super) fn open_the_inbox(&mut self) -> Result<(), Violation> {
        loop {
            // Taken out first: what follows may put new answers in.
            let next = self.inbox.borrow_mut().pop_front();
            let Some((number, reply)) = next else {
                return Ok(());
            };
            self.intents[number].under_way -= 1;
            let reply = if self.network.loses_an_answer(&mut self.rng) {
                let may_be_written = true;
                Reply::Lost { may_be_written }
            } else {
                reply
            };
            self.hear(number, reply)?;
        }
    }

    fn hear(&mut self, number: usize, reply: Reply) -> Result<(), Violation> {
        match reply {
            Reply::Done(seq) => self.receipt(number, seq),
            Reply::Known(seq) => {
                self.stats.repeats += 1;
                self.receipt(number, seq)
            }
            Reply::Unchanged => Ok(()),
            Reply::Refused(reject) if reject.is_temporary() => {
                let is_unknown = reject == Reject::OutcomeUnknown;
                self.not_yet(number, is_unknown);
                Ok(())
            }
            Reply::Refused(_) => Ok(()),
            Reply::Lost { may_be_written } => {
                self.not_yet(number, may_be_written);
                Ok(())
            }
        }
    }

    fn receipt(&mut self, number: usize, seq: Seq) -> Result<(), Violation> {
        let intent = &self.intents[number];
        let stream = self.houses[intent.house].stream();
        if intent.is_misuse {
            return Err(format!("a misused key got the receipt {seq} of {stream}"));
        }
        is_a_receipt(&self.store, &stream, intent, seq)?;
        let was_known = intent.receipt.is_some();
        if was_known && self.may_be_forgotten(number, seq)? {
            self.stats.repeats_after_forgetting += 1;
        }
        self.stats.receipts += 1;
        self.intents[number].receipt = Some(seq);
        Ok(())
    }

    /// Whoever has a key asks again. Whoever has none would ask for a second message.
    fn not_yet(&mut self, number: usize, may_be_written: bool) {
        self.stats.outcomes_unknown += u64::from(may_be_written);
        let intent = &mut self.intents[number];
        intent.may_be_written |= may_be_written;
        if intent.key.is_some() {
            let when = self.now + patience(&mut self.rng);
            self.again.push((when, number));
        }
    }

    /// A repeat of what was carried out must never be refused. Called at
    /// the moment of the refusal: later, the log and the owner's memory may be others.
    pub(super) fn is_rightly_refused(
        &mut self,
        number: usize,
        reject: &Reject,
    ) -> Result<(), Violation> {
        let intent = &self.intents[number];
        let is_noticed = intent.is_misuse && *reject == Reject::KeyReused;
        self.stats.misuses_refused += u64::from(is_noticed);
        if is_noticed || reject.is_temporary() {
            return Ok(());
        }
        let what = if intent.is_misuse {
            "a misused key"
        } else {
            "a repeat"
        };
        let mirror = &mut self.mirrors[intent.house];
        mirror.look(&self.store)?;
        let Some(seq) = mirror.find(intent) else {
            return Ok(());
        };
        Err(format!(
            "{what} of {seq} was refused with {:?}: {reject}",
            reject.code()
        ))
    }

    fn may_be_forgotten(&mut self, number: usize, seq: Seq) -> Result<bool, Violation> {
        let house = self.intents[number].house;
        self.mirrors[house].look(&self.store)?;
        // An owner that has fallen asleep since may have had any memory.
        let Some(home) = &self.houses[house].home else {
            return Ok(true);
        };
        let in_flight = self.writer.work_of(house) + self.houses[house].answers.len();
        Ok(self.mirrors[house].may_be_forgotten(seq, home.remembers_after, in_flight))
    }
}
