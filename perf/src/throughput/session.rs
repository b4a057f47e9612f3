//! A client's session: what comes is confirmed, and messages are sent on it, when they are not sent by
//! requests.

use std::rc::Rc;

use tokio::sync::mpsc::Receiver;

use super::message::{self, Incoming};
use super::shared::Shared;
use crate::rooms::pause;
use crate::socket::{Filled, Socket};

/// Bytes that may wait to be written before a client sends no more for now.
const WAITING_BYTES_MAX: usize = 256 * 1024;

/// What makes a client send.
#[derive(Debug)]
pub(super) enum Occasion {
    /// Fewer of its messages than this are not answered.
    Room(u64),
    /// It is due.
    Due(Receiver<u64>),
    /// Nothing: it only gets.
    Never,
}

/// One client at work.
#[derive(Debug)]
pub(super) struct Session {
    /// Its place in the ring.
    client: usize,
    socket: Socket,
    shared: Rc<Shared>,
    frame: Vec<u8>,
    /// Ids of what came and is not confirmed yet, each with a line break behind it.
    came: String,
    /// Before this moment it sends nothing of its own accord, because the server asked for that.
    silent_until: u64,
}

impl Session {
    pub(super) const fn new(client: usize, socket: Socket, shared: Rc<Shared>) -> Self {
        Self {
            client,
            socket,
            shared,
            frame: Vec::new(),
            came: String::new(),
            silent_until: 0,
        }
    }

    /// Works until it is stopped from outside, or something is wrong with its session.
    pub(super) async fn work(mut self, occasion: Occasion) {
        let over = match occasion {
            Occasion::Room(in_flight) => self.closed_loop(in_flight).await,
            Occasion::Due(dues) => self.open_loop(dues).await,
            Occasion::Never => self.closed_loop(0).await,
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
            let is_on = !is_silent && self.shared.is_on(now);
            while is_on && self.unanswered() < in_flight && self.has_room() {
                self.send(now, now);
            }
            self.socket.flush()?;
            let silence = tokio::time::sleep_until(self.shared.clock.moment(self.silent_until));
            tokio::select! {
                ready = self.socket.ready() => {
                    ready?;
                    self.read()?;
                }
                () = silence, if is_silent => {}
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
                    self.send(due, now);
                }
            }
        }
    }

    fn unanswered(&self) -> u64 {
        self.shared.flows.borrow()[self.client].unanswered()
    }

    fn has_room(&self) -> bool {
        self.socket.waiting() < WAITING_BYTES_MAX
    }

    fn send(&mut self, due: u64, now: u64) {
        let shared = &self.shared;
        let mut stamp = shared.sends(self.client, due, now);
        // A session is worked off in order, so no answer has to be waited for.
        stamp.after = stamp.number - 1;
        let key = shared.key(self.client, stamp.number);
        let to = shared.next(self.client);
        message::frame(&mut self.frame, to, &key, stamp, shared.text_bytes);
        self.socket.queue(&self.frame);
    }

    /// Reads what is there, and confirms it together. All of it has arrived at the same moment: now.
    fn read(&mut self) -> Result<(), String> {
        if self.socket.fill()? == Filled::Nothing {
            return Ok(());
        }
        let now = self.shared.clock.nanos();
        while let Some(text) = self.socket.next_text()? {
            match message::read(text)? {
                Incoming::Message(message) => {
                    self.shared.delivers(self.client, &message, now);
                    self.came.push_str(message.id);
                    self.came.push('\n');
                }
                Incoming::Stored(stored) => {
                    let number = stored.reference.and_then(|word| word.parse().ok());
                    let duplicate = stored.duplicate;
                    self.shared.stores(self.client, number, duplicate, now);
                }
                Incoming::Done => self.shared.finishes(self.client),
                Incoming::Rejected(rejected) => {
                    self.shared.rejects(self.client, &rejected);
                    let until = now + pause(&rejected, self.client);
                    self.silent_until = self.silent_until.max(until);
                }
                Incoming::Bye(why) => return Err(why),
                Incoming::Other => {}
            }
        }
        for id in self.came.lines() {
            message::confirmation(&mut self.frame, id);
            self.socket.queue(&self.frame);
        }
        self.came.clear();
        Ok(())
    }
}
