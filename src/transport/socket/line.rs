//! What comes from a session's client, by whatever way.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use actix_web::dev::Payload;
use bridge_core::limits;
use bytes::BytesMut;
use futures_util::Stream;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;

thread_local! {
    /// What a socket has is read into here, and only that is kept: a session that is idle has no
    /// buffer of its own.
    static SCRATCH: RefCell<Box<[u8]>> =
        RefCell::new(vec![0; limits::READ_BYTES_MAX].into_boxed_slice());
}

/// The reading end of a socket that leaves the web server, before it has left and after. The session
/// reads, and the pump owns it.
#[derive(Default)]
pub(in crate::transport) struct Line(RefCell<Ends>);

#[derive(Default)]
struct Ends {
    socket: Socket,
    /// The session has had all that the web server has fed it, and has asked for more since the
    /// socket left.
    has_caught_up: bool,
    session: Option<Waker>,
    pump: Option<Waker>,
}

#[derive(Default)]
enum Socket {
    /// The web server has it.
    #[default]
    Away,
    Here(OwnedReadHalf),
    Over,
}

/// Gives the thread's buffer away for a moment.
pub(super) fn with_scratch<T>(read: impl FnOnce(&mut [u8]) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| read(scratch))
}

impl Line {
    /// The socket has left the web server.
    pub(super) fn connect(&self, reading: OwnedReadHalf) {
        let mut ends = self.0.borrow_mut();
        ends.socket = Socket::Here(reading);
        // More may have come since it last asked, so it has to ask again.
        ends.has_caught_up = false;
        wake(&mut ends.session);
    }

    /// Nothing more is read by it.
    pub(in crate::transport) fn end(&self) {
        let mut ends = self.0.borrow_mut();
        ends.socket = Socket::Over;
        wake(&mut ends.session);
        wake(&mut ends.pump);
    }

    /// Ready when nothing more comes.
    pub(super) fn poll_over(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut ends = self.0.borrow_mut();
        if matches!(ends.socket, Socket::Over) {
            return Poll::Ready(());
        }
        wait(&mut ends.pump, cx);
        Poll::Pending
    }

    /// Whether the session waits for more than the web server has given it. Who asked and heard no
    /// is woken when that changes, if it waits for the end as well.
    pub(super) fn has_caught_up(&self) -> bool {
        self.0.borrow().has_caught_up
    }

    fn catch_up(&self, cx: &Context<'_>) {
        let mut ends = self.0.borrow_mut();
        wait(&mut ends.session, cx);
        if !std::mem::replace(&mut ends.has_caught_up, true) {
            wake(&mut ends.pump);
        }
    }

    /// Adds what came to a buffer. `None` when nothing more comes.
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<Option<()>> {
        let mut ends = self.0.borrow_mut();
        let reading = match &mut ends.socket {
            Socket::Here(reading) => reading,
            Socket::Over => return Poll::Ready(None),
            Socket::Away => {
                wait(&mut ends.session, cx);
                return Poll::Pending;
            }
        };
        let read = with_scratch(|scratch| {
            let mut scratch = ReadBuf::new(scratch);
            let read = ready!(Pin::new(reading).poll_read(cx, &mut scratch));
            buffer.extend_from_slice(scratch.filled());
            Poll::Ready(read.map(|()| !scratch.filled().is_empty()))
        });
        match ready!(read) {
            Ok(true) => Poll::Ready(Some(())),
            Ok(false) | Err(_) => {
                drop(ends);
                self.end();
                Poll::Ready(None)
            }
        }
    }
}

fn wait(place: &mut Option<Waker>, cx: &Context<'_>) {
    if !place
        .as_ref()
        .is_some_and(|waker| waker.will_wake(cx.waker()))
    {
        *place = Some(cx.waker().clone());
    }
}

fn wake(place: &mut Option<Waker>) {
    if let Some(waker) = place.take() {
        waker.wake();
    }
}

/// Everything that comes from a client: what the web server has read of it, and then the line.
pub(super) struct Incoming {
    payload: Option<Payload>,
    line: Option<Rc<Line>>,
}

impl Incoming {
    /// Without a line everything comes from the web server.
    pub(super) fn new(payload: Payload, line: Option<Rc<Line>>) -> Self {
        Self {
            payload: Some(payload),
            line,
        }
    }

    /// Adds what came to a buffer. `None` when nothing more comes.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<Option<()>> {
        if let Some(payload) = &mut self.payload {
            match Pin::new(payload).poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => {
                    buffer.extend_from_slice(&bytes);
                    return Poll::Ready(Some(()));
                }
                // The web server has let the socket go, or the client has.
                Poll::Ready(Some(Err(_)) | None) => self.payload = None,
                Poll::Pending => {
                    if let Some(line) = &self.line {
                        line.catch_up(cx);
                    }
                    return Poll::Pending;
                }
            }
        }
        match &self.line {
            Some(line) => line.poll_read(cx, buffer),
            None => Poll::Ready(None),
        }
    }
}
