//! One client: posts to its room, and reads everything that is posted there.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::mpsc::Receiver;

use super::echo::Echo;
use super::event::{self, Incoming, Posted, Stamp};
use super::ledger::{Flaw, Ledger};
use super::tally::Tally;
use crate::clock::Clock;
use crate::frames::Rejected;
use crate::socket::{Filled, Socket};

/// Bytes that may wait to be written before a client makes no more posts for now.
const WAITING_BYTES_MAX: usize = 256 * 1024;

/// What all clients share. They take turns on one thread.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) text_bytes: usize,
    pub(super) ledgers: RefCell<Vec<Ledger>>,
    /// Of the same rooms.
    pub(super) echoes: RefCell<Vec<Echo>>,
    pub(super) tally: RefCell<Tally>,
}

/// Who a client is.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    /// Its room, as a place in the list of ledgers.
    pub(super) room: usize,
    pub(super) room_name: Rc<str>,
    /// Its place among the members of the room.
    pub(super) member: usize,
    /// The names of all the room's members.
    pub(super) names: Rc<[String]>,
}

/// What makes a client post.
#[derive(Debug)]
pub(super) enum Occasion {
    /// Fewer of its posts than this are not acknowledged.
    Room(u64),
    /// It is due.
    Due(Receiver<u64>),
    /// Nothing: it only listens.
    Never,
}

/// One client at work.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) socket: Socket,
    pub(super) seat: Seat,
    pub(super) shared: Rc<Shared>,
    pub(super) frame: Vec<u8>,
    /// Before this moment it makes no posts of its own accord, because the server asked for that.
    pub(super) silent_until: u64,
}

impl Member {
    /// Works until it is stopped from outside, or something is wrong with its session.
    pub(super) async fn work(mut self, occasion: Occasion) {
        let over = match occasion {
            Occasion::Room(in_flight) => self.closed_loop(in_flight).await,
            Occasion::Due(dues) => self.open_loop(dues).await,
            Occasion::Never => self.listen().await,
        };
        if let Err(why) = over {
            let what = format!("session: {why}");
            self.shared.tally.borrow_mut().errs(&what, 1);
        }
    }

    async fn closed_loop(&mut self, in_flight: u64) -> Result<(), String> {
        loop {
            let now = self.shared.clock.nanos();
            let is_silent = now < self.silent_until;
            let is_on = now < self.shared.tally.borrow().window().end && !is_silent;
            while is_on && self.open() < in_flight && self.has_room() {
                self.post(now, now);
            }
            self.socket.flush()?;
            let pause = tokio::time::sleep_until(self.shared.clock.moment(self.silent_until));
            tokio::select! {
                ready = self.socket.ready() => {
                    ready?;
                    self.read()?;
                }
                () = pause, if is_silent => {}
            }
        }
    }

    async fn open_loop(&mut self, mut dues: Receiver<u64>) -> Result<(), String> {
        loop {
            self.socket.flush()?;
            let has_room = self.has_room();
            tokio::select! {
                ready = self.socket.ready() => {
                    ready?;
                    self.read()?;
                }
                Some(due) = dues.recv(), if has_room => {
                    let now = self.shared.clock.nanos();
                    self.post(due, now);
                }
            }
        }
    }

    async fn listen(&mut self) -> Result<(), String> {
        loop {
            self.socket.flush()?;
            self.socket.ready().await?;
            self.read()?;
        }
    }

    fn open(&self) -> u64 {
        self.shared.ledgers.borrow()[self.seat.room].open(self.seat.member)
    }

    fn has_room(&self) -> bool {
        self.socket.waiting() < WAITING_BYTES_MAX
    }

    fn post(&mut self, due: u64, now: u64) {
        let Seat {
            room,
            room_name,
            member,
            names,
        } = &self.seat;
        let number = self.shared.ledgers.borrow_mut()[*room].posts(*member);
        self.shared.tally.borrow_mut().posts(due, now);
        let stamp = Stamp {
            sender: *member,
            number,
            at: due,
        };
        let bytes = self.shared.text_bytes;
        event::post(&mut self.frame, room_name, &names[*member], stamp, bytes);
        self.socket.queue(&self.frame);
    }

    /// Reads what is there. All of it has arrived at the same moment: now.
    fn read(&mut self) -> Result<(), String> {
        if self.socket.fill()? == Filled::Nothing {
            return Ok(());
        }
        let now = self.shared.clock.nanos();
        while let Some(text) = self.socket.next_text()? {
            if self.seat.hear_again(&self.shared, text, now) {
                continue;
            }
            let incoming = event::read(text)?;
            match &incoming {
                Incoming::Rejected(rejected) => {
                    self.silent_until = self
                        .silent_until
                        .max(now + pause(rejected, self.seat.turn()));
                }
                Incoming::Posted(posted) => self.seat.remember(&self.shared, posted, text),
                _ => {}
            }
            self.seat.hear(&self.shared, incoming, now)?;
        }
        Ok(())
    }
}

/// How long the server wants to be left alone, and up to half of that again: if all came back at
/// the same moment, they would only be refused again.
pub(crate) fn pause(rejected: &Rejected, who: usize) -> u64 {
    const SHARES: usize = 64;
    let asked = rejected.retry_after_ms.unwrap_or_default() * 1_000_000;
    let share = who % SHARES;
    asked + asked / 2 * share as u64 / SHARES as u64
}

impl Seat {
    /// A number that differs from its neighbours'.
    const fn turn(&self) -> usize {
        self.room * 31 + self.member * 17
    }

    /// Whether this frame is a post that another member was told in the same bytes.
    fn hear_again(&self, shared: &Shared, frame: &[u8], now: u64) -> bool {
        let mut ledgers = shared.ledgers.borrow_mut();
        let ledger = &mut ledgers[self.room];
        let echo = &shared.echoes.borrow()[self.room];
        let found = ledger
            .expects(self.member)
            .and_then(|seq| Some((seq, echo.find(seq, frame)?)));
        // Its own posts come with their `ref`, so nobody else is told the same.
        let Some((seq, stamp)) = found.filter(|(_, stamp)| stamp.sender != self.member) else {
            return false;
        };
        let mut tally = shared.tally.borrow_mut();
        let heard = ledger.hears(self.member, seq);
        match heard.and_then(|()| ledger.reads(self.member, stamp.sender, stamp.number)) {
            Ok(()) => tally.delivers(stamp.at, now),
            Err(flaw) => tally.errs(flaw.word(), 1),
        }
        true
    }

    /// Others will be told the same, unless something is wrong about it.
    fn remember(&self, shared: &Shared, posted: &Posted<'_>, frame: &[u8]) {
        let is_own = posted.by == self.names[self.member];
        let Some(stamp) = event::stamp(posted.text) else {
            return;
        };
        let is_theirs = self.names.get(stamp.sender).map(String::as_str) == Some(posted.by);
        if is_theirs && !is_own && !posted.duplicate {
            shared.echoes.borrow_mut()[self.room].keep(posted.seq, frame, stamp);
        }
    }

    fn hear(&self, shared: &Shared, incoming: Incoming<'_>, now: u64) -> Result<(), String> {
        let mut ledgers = shared.ledgers.borrow_mut();
        let mut tally = shared.tally.borrow_mut();
        let ledger = &mut ledgers[self.room];
        let mut check = |checked: Result<(), Flaw>| {
            if let Err(flaw) = checked {
                tally.errs(flaw.word(), 1);
            }
        };
        match incoming {
            Incoming::Other => {}
            Incoming::Event { seq } => check(ledger.hears(self.member, seq)),
            Incoming::Posted(posted) => {
                check(ledger.hears(self.member, posted.seq));
                self.hear_post(ledger, &mut tally, &posted, now);
            }
            Incoming::Rejected(rejected) => {
                tally.errs(&format!("rejected: {}", rejected.code), 1);
                if rejected.reference.is_some() {
                    ledger.refuses(self.member);
                }
            }
            Incoming::Bye(why) => return Err(why),
        }
        Ok(())
    }

    fn hear_post(&self, ledger: &mut Ledger, tally: &mut Tally, posted: &Posted<'_>, now: u64) {
        let Some(stamp) = event::stamp(posted.text) else {
            return tally.errs("flaw: a text that nobody posted", 1);
        };
        if self.names.get(stamp.sender).map(String::as_str) != Some(posted.by) {
            return tally.errs("flaw: a text under another's name", 1);
        }
        if let Err(flaw) = ledger.reads(self.member, stamp.sender, stamp.number) {
            return tally.errs(flaw.word(), 1);
        }
        if posted.duplicate {
            tally.errs("flaw: a new key counted as a repeat", 1);
        }
        if stamp.sender != self.member {
            return tally.delivers(stamp.at, now);
        }
        tally.acknowledges(stamp.at, now);
        if posted.reference.and_then(|word| word.parse().ok()) != Some(stamp.number) {
            tally.errs("flaw: an answer without its ref", 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tally::Window;
    use super::*;

    fn seat() -> (Seat, Shared) {
        let seat = Seat {
            room: 0,
            room_name: "room".into(),
            member: 0,
            names: ["ann".to_owned(), "bob".to_owned()].into(),
        };
        let mut ledger = Ledger::new(2, 2);
        ledger.live(0, 0);
        let window = Window {
            begin: 0,
            end: 1_000,
        };
        let shared = Shared {
            clock: Clock::start(),
            text_bytes: 64,
            echoes: RefCell::new(vec![Echo::new(4)]),
            ledgers: RefCell::new(vec![ledger]),
            tally: RefCell::new(Tally::new(window)),
        };
        (seat, shared)
    }

    fn posted<'a>(seq: u64, by: &'a str, text: &'a str, reference: Option<&'a str>) -> Posted<'a> {
        Posted {
            seq,
            by,
            text,
            reference,
            duplicate: false,
        }
    }

    fn hear(seat: &Seat, shared: &Shared, posted: Posted<'_>) {
        seat.hear(shared, Incoming::Posted(posted), 20)
            .expect("the session goes on");
    }

    #[test]
    fn an_own_post_is_an_acknowledgement_and_anothers_a_delivery() {
        let (seat, shared) = seat();
        shared.ledgers.borrow_mut()[0].posts(0);
        hear(&seat, &shared, posted(1, "ann", "0 1 5 x", Some("1")));
        hear(&seat, &shared, posted(2, "bob", "1 1 5 x", None));
        let tally = shared.tally.borrow();
        assert_eq!((tally.acknowledged, tally.delivered), (1, 1));
        assert!(tally.errors.is_empty(), "{:?}", tally.errors);
        assert_eq!(shared.ledgers.borrow()[0].open(0), 0);
    }

    #[test]
    fn what_is_wrong_is_counted() {
        let (seat, shared) = seat();
        hear(&seat, &shared, posted(1, "ann", "0 1 5 x", None));
        hear(&seat, &shared, posted(3, "bob", "1 1 5 x", None));
        hear(&seat, &shared, posted(4, "bob", "1 1 5 x", None));
        hear(&seat, &shared, posted(5, "bob", "0 2 5 x", None));
        hear(&seat, &shared, posted(6, "bob", "hello", None));
        let rejected = Rejected {
            code: "busy".into(),
            reference: Some("2".into()),
            retry_after_ms: Some(200),
        };
        assert!((200_000_000..300_000_000).contains(&pause(&rejected, seat.turn())));
        seat.hear(&shared, Incoming::Rejected(rejected), 20)
            .expect("the session goes on");
        let tally = shared.tally.borrow();
        let errors: Vec<&str> = tally.errors.keys().map(String::as_str).collect();
        let expected = [
            "flaw: a gap in seq",
            "flaw: a post twice or backwards",
            "flaw: a text that nobody posted",
            "flaw: a text under another's name",
            "flaw: an answer without its ref",
            "rejected: busy",
        ];
        assert_eq!(errors, expected);
    }

    #[test]
    fn what_another_was_told_is_heard_again_and_checked() {
        let (seat, shared) = seat();
        let frame = b"what was told of it";
        let told = posted(1, "bob", "1 1 5 x", None);
        assert!(!seat.hear_again(&shared, frame, 20), "nobody has read it");
        seat.remember(&shared, &told, frame);
        assert!(seat.hear_again(&shared, frame, 20));
        assert!(
            !seat.hear_again(&shared, frame, 20),
            "it is not the next one"
        );
        // The same post at the next position.
        seat.remember(&shared, &posted(2, "bob", "1 1 5 x", None), frame);
        assert!(seat.hear_again(&shared, frame, 20));
        let tally = shared.tally.borrow();
        assert_eq!(tally.delivered, 1);
        assert_eq!(tally.errors["flaw: a post twice or backwards"], 1);
    }

    #[test]
    fn what_is_wrong_is_not_remembered() {
        let (seat, shared) = seat();
        let mut repeated = posted(1, "bob", "1 1 5 x", None);
        repeated.duplicate = true;
        for wrong in [
            repeated,
            posted(1, "bob", "hello", None),
            posted(1, "bob", "0 1 5 x", None),
            posted(1, "ann", "0 1 5 x", Some("1")),
        ] {
            seat.remember(&shared, &wrong, b"frame");
            assert!(!seat.hear_again(&shared, b"frame", 20), "{wrong:?}");
        }
    }

    #[test]
    fn a_goodbye_ends_the_session() {
        let (seat, shared) = seat();
        let bye = Incoming::Bye("bye 4002: slow".into());
        assert_eq!(seat.hear(&shared, bye, 0), Err("bye 4002: slow".into()));
    }
}
