//! What waits for one session's socket.
//!
//! Bounded in bytes as well as in frames: a few frames at the size limit cost as much as hundreds
//! of small ones, so a count alone does not bound memory. A full outbox takes nothing more, ever:
//! dropping one frame silently would break the promise that a reader sees a contiguous run.

mod note;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bridge_core::limits;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::sync::Notify;

use crate::system::Stopwatch;
use crate::telemetry::metrics::{MessageKind, Metrics};

pub use note::Note;

/// What is told may not take the room of answers.
const NEWS_BYTES_MAX: usize = limits::OUTBOX_BYTES_MAX - limits::OUTBOX_RESERVE_BYTES;

/// The writing end, shared by everybody who has something to tell a session.
#[derive(Debug, Clone)]
pub struct Outbox(Arc<Shared>);

/// The reading end: the body of the response that carries the WebSocket.
#[derive(Debug)]
pub struct OutboxBody(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Notify,
    metrics: Metrics,
}

/// Since when the server has had a message for somebody.
#[derive(Debug, Clone, Copy)]
pub struct Accepted {
    /// To whom it goes.
    pub kind: MessageKind,
    /// Since then.
    pub since: Stopwatch,
}

#[derive(Debug)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// The answer to the client's last ping. Only the last one is owed (RFC 6455, 5.5.3), so that
    /// who pings and does not read costs one frame.
    pong: Option<Bytes>,
    state: State,
    farewell: Farewell,
    taken: u64,
    /// Whether something that was to be told never will be.
    is_incomplete: bool,
    /// The message that has waited longest of those that are measured, by how many frames will have
    /// been taken with it.
    waiting: Option<(u64, Accepted)>,
    /// Who wants to know that a frame was taken, by how many will have been taken then.
    notes: VecDeque<(u64, Note)>,
    reader: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It takes frames.
    Open,
    /// It was full once; only last words are taken.
    Overflowed,
    /// The last words are in; nothing is taken.
    Finished,
    /// The last words have been read, and the body has ended behind them.
    Told,
    /// Nobody reads any more.
    Closed,
}

/// How long a client is waited for at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Farewell {
    /// How long it may take to read up to the last words.
    pub within: Duration,
    /// How long it may then take to close by itself. Most do.
    pub moment: Duration,
}

impl Farewell {
    /// It is told that its session is over.
    pub const BYE: Self = Self {
        within: limits::GOODBYE_WITHIN,
        moment: limits::AFTER_BYE,
    };
    /// It is told that the server stops.
    pub const DRAINING: Self = Self {
        within: limits::DRAIN_GOODBYE_WITHIN,
        moment: limits::AFTER_BYE,
    };
    /// It said goodbye first, and waits for us.
    pub const MUTUAL: Self = Self {
        within: limits::GOODBYE_WITHIN,
        moment: limits::AFTER_GOODBYE,
    };
}

/// The outbox takes nothing any more: it is full, finished or abandoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

impl Outbox {
    /// An empty outbox and its reading end.
    #[must_use]
    pub fn new(metrics: Metrics) -> (Self, OutboxBody) {
        let queue = Queue {
            frames: VecDeque::new(),
            bytes: 0,
            pong: None,
            state: State::Open,
            farewell: Farewell::BYE,
            taken: 0,
            is_incomplete: false,
            waiting: None,
            notes: VecDeque::new(),
            reader: None,
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            changed: Notify::new(),
            metrics,
        });
        (Self(Arc::clone(&shared)), OutboxBody(shared))
    }

    /// Adds frames, all of them in one go. What does not fit makes the outbox overflow.
    ///
    /// # Errors
    /// When it is not open, or is no longer.
    pub fn push(&self, frames: impl IntoIterator<Item = Bytes>) -> Result<(), Refused> {
        self.add(frames, NEWS_BYTES_MAX)
    }

    /// The same for messages, of which the first has waited since then to be handed over. The note is
    /// for when the last of them has been taken.
    ///
    /// # Errors
    /// As for [`Outbox::push`]; then the note is dropped.
    pub fn push_accepted(
        &self,
        frames: impl IntoIterator<Item = Bytes>,
        accepted: Option<Accepted>,
        note: Option<Note>,
    ) -> Result<(), Refused> {
        self.add_with(frames, NEWS_BYTES_MAX, accepted, note)
    }

    /// What is measured.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Adds an answer to one request; a part of the outbox is kept for those.
    ///
    /// # Errors
    /// When it is not open, or is no longer.
    pub fn reply(&self, frame: Bytes) -> Result<(), Refused> {
        self.add([frame], limits::OUTBOX_BYTES_MAX)
    }

    /// Answers a ping, in place of the answer to an earlier one that has not been taken.
    pub fn pong(&self, frame: Bytes) {
        let mut queue = self.0.lock();
        if queue.state == State::Open {
            queue.pong = Some(frame);
            queue.wake_reader();
        }
    }

    /// Adds a frame, and a note for when it has been taken.
    ///
    /// # Errors
    /// When it is not open, or is no longer; then the note is dropped.
    pub fn push_noted(
        &self,
        frame: Bytes,
        accepted: Option<Accepted>,
        note: Note,
    ) -> Result<(), Refused> {
        self.add_with([frame], NEWS_BYTES_MAX, accepted, Some(note))
    }

    fn add(
        &self,
        frames: impl IntoIterator<Item = Bytes>,
        bytes_max: usize,
    ) -> Result<(), Refused> {
        self.add_with(frames, bytes_max, None, None)
    }

    fn add_with(
        &self,
        frames: impl IntoIterator<Item = Bytes>,
        bytes_max: usize,
        accepted: Option<Accepted>,
        note: Option<Note>,
    ) -> Result<(), Refused> {
        let mut queue = self.0.lock();
        if queue.state != State::Open {
            queue.is_incomplete = true;
            return Err(Refused);
        }
        if let Some(accepted) = accepted.filter(|_| queue.waiting.is_none()) {
            let position = queue.taken + queue.frames.len() as u64 + 1;
            queue.waiting = Some((position, accepted));
        }
        for frame in frames {
            let fits = queue.bytes + frame.len() <= bytes_max
                && queue.frames.len() < limits::OUTBOX_FRAMES_MAX;
            if !fits {
                queue.state = State::Overflowed;
                queue.is_incomplete = true;
                drop(queue);
                self.0.changed.notify_waiters();
                return Err(Refused);
            }
            queue.bytes += frame.len();
            queue.frames.push_back(frame);
        }
        if let Some(note) = note {
            let position = queue.taken + queue.frames.len() as u64;
            queue.notes.push_back((position, note));
        }
        queue.wake_reader();
        Ok(())
    }

    /// Takes nothing more but last words, as if it had been full.
    pub fn overflow(&self) {
        let mut queue = self.0.lock();
        if queue.state == State::Open {
            queue.state = State::Overflowed;
            queue.is_incomplete = true;
        }
        drop(queue);
        self.0.changed.notify_waiters();
    }

    /// Adds the last words and ends the body behind them.
    pub fn finish(&self, last_words: Bytes, farewell: Farewell) {
        let mut queue = self.0.lock();
        if matches!(queue.state, State::Open | State::Overflowed) {
            queue.bytes += last_words.len();
            queue.frames.push_back(last_words);
            queue.state = State::Finished;
            queue.farewell = farewell;
            queue.wake_reader();
        }
        drop(queue);
        self.0.changed.notify_waiters();
    }

    /// Gives up: what has not been taken never will be, and the body ends here.
    pub fn abandon(&self) {
        let mut queue = self.0.lock();
        queue.close();
        queue.wake_reader();
        drop(queue);
        self.0.changed.notify_waiters();
    }

    /// Whether it still takes frames.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.lock().state == State::Open
    }

    /// Whether everything that was to be told has been taken. What a socket that died left behind,
    /// and what did not fit, never will be.
    #[must_use]
    pub fn has_told_all(&self) -> bool {
        let queue = self.0.lock();
        queue.frames.is_empty() && !queue.is_incomplete
    }

    /// How many frames the socket has taken; it stands still when the client does not read.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.lock().taken
    }

    /// How many frames the socket had taken, when more wait for it.
    #[must_use]
    pub fn waiting(&self) -> Option<u64> {
        let queue = self.0.lock();
        (!queue.frames.is_empty()).then_some(queue.taken)
    }

    /// Waits until it is at most half full, so that live events still fit beside a reader that
    /// catches up.
    ///
    /// # Errors
    /// When it takes nothing any more.
    pub async fn has_room(&self) -> Result<(), Refused> {
        self.wait_for(|queue| match queue.state {
            State::Open if queue.bytes > limits::OUTBOX_BYTES_MAX / 2 => None,
            State::Open if queue.frames.len() > limits::OUTBOX_FRAMES_MAX / 2 => None,
            State::Open => Some(Ok(())),
            _ => Some(Err(Refused)),
        })
        .await
    }

    /// Waits until it has overflowed, or will never.
    pub async fn overflowed(&self) -> bool {
        self.wait_for(|queue| match queue.state {
            State::Open => None,
            state => Some(state == State::Overflowed),
        })
        .await
    }

    /// Waits until the last words are in, or nobody reads any more. How long to wait for the client.
    pub async fn finished(&self) -> Farewell {
        self.wait_for(|queue| match queue.state {
            State::Open | State::Overflowed => None,
            State::Finished | State::Told | State::Closed => Some(queue.farewell),
        })
        .await
    }

    /// Waits until nothing more is going to be taken: the last words have been, or nobody reads any
    /// more.
    pub async fn over(&self) {
        let is_over = |queue: &Queue| matches!(queue.state, State::Told | State::Closed);
        self.wait_for(|queue| is_over(queue).then_some(())).await;
    }

    /// Waits until nobody reads any more, though there was more to say.
    pub async fn lost(&self) {
        self.wait_for(|queue| (queue.state == State::Closed).then_some(()))
            .await;
    }

    async fn wait_for<T>(&self, mut done: impl FnMut(&Queue) -> Option<T>) -> T {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that a change between the two is not missed.
            changed.as_mut().enable();
            if let Some(value) = done(&self.0.lock()) {
                return value;
            }
            changed.await;
        }
    }
}

impl Shared {
    /// The queue stays consistent between any two statements that could panic, so a poisoned lock
    /// is as good as any.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn close(&mut self) {
        self.is_incomplete |= !self.frames.is_empty();
        self.state = State::Closed;
        self.frames.clear();
        self.waiting = None;
        self.notes.clear();
        self.pong = None;
        self.bytes = 0;
    }

    /// As many frames as one write should carry.
    fn take(&mut self) -> Option<Bytes> {
        if let Some(pong) = self.pong.take() {
            return Some(pong);
        }
        let first = self.frames.pop_front()?;
        self.bytes -= first.len();
        self.taken += 1;
        let fits = |so_far: usize, next: Option<&Bytes>| {
            next.is_some_and(|next| so_far + next.len() <= limits::WRITE_BYTES_MAX)
        };
        if !fits(first.len(), self.frames.front()) {
            return Some(first);
        }
        let mut chunk =
            BytesMut::with_capacity(limits::WRITE_BYTES_MAX.min(first.len() + self.bytes));
        chunk.extend_from_slice(&first);
        while fits(chunk.len(), self.frames.front()) {
            let Some(next) = self.frames.pop_front() else {
                break;
            };
            self.bytes -= next.len();
            self.taken += 1;
            chunk.extend_from_slice(&next);
        }
        Some(chunk.freeze())
    }

    /// The message that waited longest, if it was among what was taken.
    fn waited(&mut self) -> Option<Accepted> {
        let taken = self.taken;
        let waiting = self.waiting.take_if(|(position, _)| *position <= taken);
        waiting.map(|(_, accepted)| accepted)
    }

    fn notes_of_taken(&mut self) -> Vec<Note> {
        let taken = self.taken;
        let mut due = Vec::new();
        while let Some((_, note)) = self.notes.pop_front_if(|(position, _)| *position <= taken) {
            due.push(note);
        }
        due
    }
}

impl Stream for OutboxBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut queue = self.0.lock();
        let bytes = queue.bytes;
        if let Some(chunk) = queue.take() {
            let (notes, waited) = (queue.notes_of_taken(), queue.waited());
            drop(queue);
            self.0.changed.notify_waiters();
            self.0.metrics.outbox(bytes);
            if let Some(Accepted { kind, since }) = waited {
                self.0.metrics.handed_over(kind, since.elapsed());
            }
            for note in notes {
                note.tell();
            }
            return Poll::Ready(Some(Ok(chunk)));
        }
        match queue.state {
            State::Open | State::Overflowed => {}
            State::Finished => {
                queue.state = State::Told;
                drop(queue);
                self.0.changed.notify_waiters();
                return Poll::Ready(None);
            }
            State::Told | State::Closed => return Poll::Ready(None),
        }
        queue.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for OutboxBody {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        if queue.state == State::Told {
            return;
        }
        queue.close();
        drop(queue);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
