//! The shell around the owners: their effects are carried out.

use std::sync::Arc;

use bridge_core::Reject;
use bridge_core::command::RoomCommand;
use bridge_core::event::Envelope;
use bridge_core::owner::{Draft, Effect, PendingRefusal, Request};
use bridge_core::ports::{Append, Directory, Reader as _, Record};
use bridge_core::replay::Tail;
use bridge_core::room::Room;

use super::World;
use crate::checker::{Violation, is_in_the_log};
use crate::house::read;
use crate::ticket::{Reply, Ticket};

const SILENT: Reject = Reject::Retry {
    detail: "the store does not answer",
};

type Effects = Vec<Effect<Room, Ticket>>;

impl World {
    pub(super) fn submit(
        &mut self,
        n: usize,
        request: Request<RoomCommand, Ticket>,
    ) -> Result<(), Violation> {
        let (at, mut effects) = (self.at(), Effects::new());
        self.houses[n]
            .awake()
            .owner
            .submit(request, at, &mut effects);
        self.carry_out(n, effects)
    }

    /// Some of the answers that have come, in their order.
    pub(super) fn hear_answers(&mut self) -> Result<(), Violation> {
        for n in 0..self.houses.len() {
            // As with mailboxes: nobody is slow any more when the world is to settle.
            let most = match self.writer.is_sound {
                true => self.houses[n].answers.len(),
                false => self.rng.below(6),
            };
            for _ in 0..most {
                let (at, mut effects) = (self.at(), Effects::new());
                let house = &mut self.houses[n];
                let Some(answered) = house.answers.pop_front() else {
                    break;
                };
                let Some(home) = &mut house.home else {
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

    /// Rooms that are to be read are read, sooner or later; now and then the store does not answer.
    pub(super) fn read_rooms(&mut self) -> Result<(), Violation> {
        for n in 0..self.houses.len() {
            let is_loading = self.houses[n]
                .home
                .as_ref()
                .is_some_and(|h| h.owner.is_loading());
            if !is_loading || !self.rng.one_in(3) {
                continue;
            }
            if self.store_is_silent() {
                self.cannot_read(n)?;
            } else {
                self.read_room(n)?;
            }
        }
        Ok(())
    }

    /// Now and then it does not answer.
    fn store_is_silent(&mut self) -> bool {
        let is_silent = !self.writer.is_sound && self.rng.one_in(20);
        self.stats.unanswered_reads += u64::from(is_silent);
        is_silent
    }

    fn cannot_read(&mut self, n: usize) -> Result<(), Violation> {
        let mut effects = Effects::new();
        self.houses[n]
            .awake()
            .owner
            .not_loaded(&SILENT, &mut effects);
        self.carry_out(n, effects)
    }

    fn read_room(&mut self, n: usize) -> Result<(), Violation> {
        let (room, remembers_after) = read(&self.store, &self.houses[n].id);
        let (at, mut effects) = (self.at(), Effects::new());
        let head = room.head();
        let home = self.houses[n].awake();
        home.remembers_after = remembers_after;
        let told = home.tail.as_ref().map(Tail::head);
        home.owner.loaded(room, at, &mut effects);
        let records_max = self.plan.tail_records_max;
        home.tail
            .get_or_insert_with(|| Tail::new(head, records_max, usize::MAX));
        // What landed without its owner's knowledge has not been told to anybody yet.
        if let Some(told) = told {
            let stream = self.houses[n].stream();
            let untold = self.store.page(&stream, told, usize::MAX);
            for envelope in untold.expect("the memory store can be read") {
                self.tell(n, &Arc::new(envelope))?;
            }
        }
        self.carry_out(n, effects)
    }

    /// All of them, in their order, before the owner hears of anything else.
    fn carry_out(&mut self, n: usize, effects: Effects) -> Result<(), Violation> {
        for effect in effects {
            match effect {
                Effect::Append(draft) => self.append(n, &draft),
                Effect::Committed { draft, asker } => {
                    for envelope in &draft.envelopes {
                        self.tell(n, envelope)?;
                    }
                    asker.answer(Reply::Done(draft.first_seq()));
                }
                Effect::Known { seq, asker } => asker.answer(Reply::Known(seq)),
                Effect::Refused { reject, asker } => {
                    self.is_rightly_refused(asker.intent, &reject)?;
                    asker.answer(Reply::Refused(reject));
                }
                Effect::CheckKey { refusal, asker } => self.check_key(n, refusal, asker)?,
                Effect::LookUp {
                    question: message,
                    request,
                } => {
                    self.look_ups.push((n, Some(message), request));
                }
                Effect::Behind(request) => self.look_ups.push((n, None, request)),
                Effect::Unchanged { asker } => {
                    if self.intents[asker.intent].command != RoomCommand::Conclude {
                        return Err(format!("intent {}: a room always decides", asker.intent));
                    }
                    asker.answer(Reply::Unchanged);
                }
                Effect::Reload => self.stats.reloads += 1,
            }
        }
        Ok(())
    }

    /// The room would refuse a request, but the log may know its key.
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
        let stream = self.houses[n].stream();
        let found = self.store.key(&stream, &refusal.by, &refusal.key.word);
        match refusal.settle(found.expect("the memory store can be read")) {
            Ok(None) => return Err("a room always decides".to_owned()),
            Ok(Some(seq)) => {
                self.stats.saved_by_the_log += 1;
                asker.answer(Reply::Known(seq));
            }
            Err(reject) => {
                self.is_rightly_refused(asker.intent, &reject)?;
                asker.answer(Reply::Refused(reject));
            }
        }
        Ok(())
    }

    fn append(&mut self, n: usize, draft: &Draft) {
        let incarnation = self.houses[n].awake().incarnation;
        let records = draft.envelopes.iter().cloned().map(Record::new).collect();
        self.writer.push(
            n,
            Append {
                incarnation,
                records,
            },
        );
    }

    /// A record goes to everybody who is live, and into the tail for those who nearly are.
    fn tell(&mut self, n: usize, envelope: &Arc<Envelope>) -> Result<(), Violation> {
        is_in_the_log(&self.store, envelope, "a record that is fanned out")?;
        let tail = self.houses[n].awake().tail.as_mut();
        let tail = tail.expect("an owner that commits was read");
        tail.push(Arc::clone(envelope), 1);
        for reader in self
            .readers
            .iter_mut()
            .filter(|reader| reader.house == n && reader.is_live())
        {
            reader.takes(envelope, &self.store)?;
        }
        Ok(())
    }

    /// Some of the messages that owners have asked for are found, or not.
    pub(super) fn look_up(&mut self) -> Result<(), Violation> {
        for (n, message, mut request) in std::mem::take(&mut self.look_ups) {
            if self.rng.one_in(2) {
                self.look_ups.push((n, message, request));
                continue;
            }
            let Some(message) = message else {
                self.submit(n, request)?;
                continue;
            };
            self.stats.look_ups += 1;
            if self.store_is_silent() {
                request.asker.answer(Reply::Refused(SILENT));
                continue;
            }
            let found = self
                .store
                .message(message)
                .expect("the memory store can be read");
            let here = found.filter(|(stream, _)| *stream == self.houses[n].stream());
            let place = match &mut request.command {
                RoomCommand::Post(post) => &mut post.reply_seq,
                RoomCommand::Critique(critique) => &mut critique.target_seq,
                other => return Err(format!("{} asks for nothing", other.name())),
            };
            if let Some((_, seq)) = here {
                *place = Some(seq);
                self.submit(n, request)?;
            } else {
                let reject = Reject::MessageNotFound(message);
                request.asker.answer(Reply::Refused(reject));
            }
        }
        Ok(())
    }
}
