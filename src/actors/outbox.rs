//! What waits for one session's socket.
//!
//! Bounded in bytes as well as in frames: a few frames at the size limit cost as much as hundreds
//! of small ones, so a count alone does not bound memory. A full outbox takes nothing more, ever:
//! dropping one frame silently would break the promise that a reader sees a contiguous run.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bridge_core::limits;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::sync::Notify;

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
}

#[derive(Debug)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    state: State,
    taken: u64,
    /// Whether something that was to be told never will be.
    is_incomplete: bool,
    /// Who wants to know that a frame was taken, by how many will have been taken then.
    notes: VecDeque<(u64, Note)>,
    reader: Option<Waker>,
}

/// Called once, when the frame that it came with has been taken to be written to the socket. It is
/// dropped with a frame that is never taken.
pub struct Note(Box<dyn FnOnce() + Send>);

impl Note {
    /// A note that does this. It runs on the socket's way, so it must be quick.
    #[must_use]
    pub fn new(tell: impl FnOnce() + Send + 'static) -> Self {
        Self(Box::new(tell))
    }
}

impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Note")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It takes frames.
    Open,
    /// It was full once; only last words are taken.
    Overflowed,
    /// The last words are in; nothing is taken.
    Finished,
    /// Nobody reads any more.
    Closed,
}

/// The outbox takes nothing any more: it is full, finished or abandoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

impl Outbox {
    /// An empty outbox and its reading end.
    #[must_use]
    pub fn new() -> (Self, OutboxBody) {
        let queue = Queue {
            frames: VecDeque::new(),
            bytes: 0,
            state: State::Open,
            taken: 0,
            is_incomplete: false,
            notes: VecDeque::new(),
            reader: None,
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            changed: Notify::new(),
        });
        (Self(Arc::clone(&shared)), OutboxBody(shared))
    }

    /// Adds frames, all of them in one go. What does not fit makes the outbox overflow.
    ///
    /// # Errors
    /// When it is not open, or is no longer.
    pub fn push(&self, frames: impl IntoIterator<Item = Bytes>) -> Result<(), Refused> {
        self.add(
            frames,
            limits::OUTBOX_BYTES_MAX - limits::OUTBOX_RESERVE_BYTES,
        )
    }

    /// Adds an answer to one request; a part of the outbox is kept for those.
    ///
    /// # Errors
    /// When it is not open, or is no longer.
    pub fn reply(&self, frame: Bytes) -> Result<(), Refused> {
        self.add([frame], limits::OUTBOX_BYTES_MAX)
    }

    /// Adds a frame, and a note for when it has been taken.
    ///
    /// # Errors
    /// When it is not open, or is no longer; then the note is dropped.
    pub fn push_noted(&self, frame: Bytes, note: Note) -> Result<(), Refused> {
        let bytes_max = limits::OUTBOX_BYTES_MAX - limits::OUTBOX_RESERVE_BYTES;
        self.add_with([frame], bytes_max, Some(note))
    }

    fn add(
        &self,
        frames: impl IntoIterator<Item = Bytes>,
        bytes_max: usize,
    ) -> Result<(), Refused> {
        self.add_with(frames, bytes_max, None)
    }

    fn add_with(
        &self,
        frames: impl IntoIterator<Item = Bytes>,
        bytes_max: usize,
        note: Option<Note>,
    ) -> Result<(), Refused> {
        let mut queue = self.0.lock();
        if queue.state != State::Open {
            queue.is_incomplete = true;
            return Err(Refused);
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
    pub fn finish(&self, last_words: Bytes) {
        let mut queue = self.0.lock();
        if matches!(queue.state, State::Open | State::Overflowed) {
            queue.bytes += last_words.len();
            queue.frames.push_back(last_words);
            queue.state = State::Finished;
            queue.wake_reader();
        }
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
            State::Overflowed | State::Finished | State::Closed => Some(Err(Refused)),
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

    /// Waits until everything has been taken, or nobody takes anything any more.
    pub async fn drained(&self) {
        self.wait_for(|queue| {
            let is_over = queue.frames.is_empty() || queue.state == State::Closed;
            is_over.then_some(())
        })
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

    /// As many frames as one write should carry.
    fn take(&mut self) -> Option<Bytes> {
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
        if let Some(chunk) = queue.take() {
            let notes = queue.notes_of_taken();
            drop(queue);
            self.0.changed.notify_waiters();
            for Note(tell) in notes {
                tell();
            }
            return Poll::Ready(Some(Ok(chunk)));
        }
        if matches!(queue.state, State::Finished | State::Closed) {
            return Poll::Ready(None);
        }
        queue.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for OutboxBody {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.state = State::Closed;
        queue.is_incomplete |= !queue.frames.is_empty();
        queue.frames.clear();
        queue.notes.clear();
        queue.bytes = 0;
        drop(queue);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt};

    fn frame(len: usize) -> Bytes {
        vec![b'x'; len].into()
    }

    #[test]
    fn many_frames_go_in_one_write_and_none_is_lost() {
        let (outbox, mut body) = Outbox::new();
        outbox
            .push((0..100).map(|n| Bytes::from(vec![n; 1_000])))
            .unwrap();
        let mut seen = Vec::new();
        let mut writes = 0;
        while let Some(Some(Ok(chunk))) = body.next().now_or_never() {
            assert!(chunk.len() <= limits::WRITE_BYTES_MAX);
            seen.extend_from_slice(&chunk);
            writes += 1;
        }
        let expected: Vec<u8> = (0..100).flat_map(|n| vec![n; 1_000]).collect();
        assert_eq!(seen, expected);
        assert_eq!((writes, outbox.taken()), (4, 100));
    }

    #[test]
    fn a_full_outbox_takes_last_words_only() {
        let (outbox, mut body) = Outbox::new();
        let big = limits::OUTBOX_BYTES_MAX - limits::OUTBOX_RESERVE_BYTES;
        outbox.push([frame(big)]).unwrap();
        outbox
            .reply(frame(100))
            .expect("the reserve is for replies");
        assert_eq!(outbox.push([frame(1)]), Err(Refused));
        assert_eq!(
            outbox.reply(frame(1)),
            Err(Refused),
            "contiguity is lost for ever"
        );
        assert_eq!(outbox.overflowed().now_or_never(), Some(true));
        outbox.finish(Bytes::from_static(b"bye"));
        let mut last = Bytes::new();
        while let Some(chunk) = body.next().now_or_never().expect("it ends by itself") {
            last = chunk.unwrap();
        }
        assert!(last.ends_with(b"bye"));
    }

    #[test]
    fn a_note_is_told_when_its_frame_is_taken_and_not_before() {
        let (told, heard) = std::sync::mpsc::sync_channel(8);
        let note = |name: &'static str| {
            let told = told.clone();
            Note::new(move || told.send(name).expect("room for a few"))
        };
        let (outbox, mut body) = Outbox::new();
        outbox.push([frame(20_000)]).unwrap();
        outbox.push_noted(frame(20_000), note("second")).unwrap();
        outbox.push_noted(frame(20_000), note("third")).unwrap();
        assert!(body.next().now_or_never().is_some(), "the first frame");
        assert!(heard.try_recv().is_err());
        assert!(body.next().now_or_never().is_some());
        assert_eq!(heard.try_recv(), Ok("second"));
        assert!(heard.try_recv().is_err());
        drop(body);
        assert!(heard.try_recv().is_err(), "it was never taken");
        assert_eq!(outbox.push_noted(frame(1), note("late")), Err(Refused));
    }

    #[test]
    fn what_is_left_behind_or_did_not_fit_was_not_told() {
        let (outbox, mut body) = Outbox::new();
        assert!(outbox.has_told_all());
        outbox.push([frame(1)]).unwrap();
        assert!(!outbox.has_told_all());
        assert!(body.next().now_or_never().is_some());
        assert!(outbox.has_told_all());
        outbox.push([frame(1)]).unwrap();
        drop(body);
        assert!(!outbox.has_told_all(), "its socket died with it");
        let (outbox, body) = Outbox::new();
        drop(body);
        assert!(outbox.has_told_all(), "there was nothing more to tell");
        assert_eq!(outbox.push([frame(1)]), Err(Refused));
        assert!(!outbox.has_told_all(), "it came too late");
        let (outbox, _body) = Outbox::new();
        assert_eq!(outbox.push([frame(limits::OUTBOX_BYTES_MAX)]), Err(Refused));
        assert!(!outbox.has_told_all(), "it did not fit");
    }

    #[test]
    fn the_number_of_frames_is_bounded_too() {
        let (outbox, _body) = Outbox::new();
        let frames = (0..limits::OUTBOX_FRAMES_MAX).map(|_| frame(1));
        outbox.push(frames).unwrap();
        assert_eq!(outbox.push([frame(1)]), Err(Refused));
    }

    #[test]
    fn room_is_waited_for_and_an_abandoned_outbox_lets_go() {
        let (outbox, mut body) = Outbox::new();
        assert!(outbox.has_room().now_or_never().is_some());
        outbox
            .push([frame(limits::OUTBOX_BYTES_MAX / 2 + 1)])
            .unwrap();
        let mut waiting = Box::pin(outbox.has_room());
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(body.next().now_or_never().is_some());
        assert_eq!(waiting.now_or_never(), Some(Ok(())));
        drop(body);
        assert_eq!(outbox.has_room().now_or_never(), Some(Err(Refused)));
        assert_eq!(outbox.push([frame(1)]), Err(Refused));
        assert_eq!(outbox.overflowed().now_or_never(), Some(false));
    }
}
