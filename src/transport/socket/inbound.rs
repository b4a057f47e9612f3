//! Bytes from a socket become requests, one frame at a time, within bounds.

mod header;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_codec::Decoder;
use actix_http::ws::{Codec, Frame, Item};
use bridge_core::limits;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, Stream};
use tokio::sync::{AcquireError, OwnedSemaphorePermit};

use super::line::Incoming;
use crate::actors::{Gate, Inbound, Violation};
use crate::transport::gather;
use crate::wire::decode::{self, Refused};
use header::Header;

type Acquiring = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// The stream of what a client sends. While the gate is shut or the window full, it reads no
/// further than the one request that it holds, and the client's own sending comes to a stop.
pub(super) struct InboundFrames {
    incoming: Incoming,
    codec: Codec,
    buffer: BytesMut,
    parts: BytesMut,
    is_in_parts: bool,
    held: Option<(Bytes, Acquiring)>,
    gate: Gate,
    is_over: bool,
}

/// What was made of one frame.
enum Step {
    Yield(Inbound),
    Request(Bytes),
    Nothing,
}

impl InboundFrames {
    pub(super) fn new(incoming: Incoming, gate: Gate) -> Self {
        Self {
            incoming,
            codec: Codec::new().max_size(limits::FRAME_BYTES_MAX),
            buffer: BytesMut::new(),
            parts: BytesMut::new(),
            is_in_parts: false,
            held: None,
            gate,
            is_over: false,
        }
    }

    /// The next frame in the buffer. The codec looks at most of a header only when it has the whole
    /// frame, so it is looked at first.
    fn next_frame(&mut self) -> Result<Option<Frame>, Violation> {
        let Some(header) = Header::read(&self.buffer) else {
            return Ok(None);
        };
        header.check(self.is_in_parts, self.parts.len())?;
        let frame_bytes = header.frame_bytes();
        if frame_bytes > self.buffer.len() {
            // For all that is to come at once, so that no smaller buffers are left behind.
            self.buffer.reserve(frame_bytes - self.buffer.len());
            return Ok(None);
        }
        let frame = self.codec.decode(&mut self.buffer);
        if self.buffer.is_empty() {
            // A session that is idle keeps nothing of what it was sent.
            self.buffer = BytesMut::new();
        }
        frame.map_err(|_| Violation::NotText)
    }

    fn step(&mut self, frame: Frame) -> Result<Step, Violation> {
        Ok(match frame {
            Frame::Text(bytes) => Step::Request(bytes),
            Frame::Ping(payload) => Step::Yield(Inbound::Ping(payload)),
            Frame::Pong(_) => Step::Yield(Inbound::Pong),
            Frame::Close(_) => Step::Yield(Inbound::Close),
            Frame::Continuation(item) => self.part(item)?,
            Frame::Binary(_) => return Err(Violation::NotText),
        })
    }

    /// A message in several frames is put together, up to the size of one: that was looked at when
    /// the header came.
    fn part(&mut self, item: Item) -> Result<Step, Violation> {
        let (bytes, is_last) = match item {
            Item::FirstText(bytes) => {
                self.parts.clear();
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
            Item::FirstBinary(_) => return Err(Violation::NotText),
        };
        self.is_in_parts = !is_last;
        gather::add(&mut self.parts, &bytes, limits::FRAME_BYTES_MAX);
        if !is_last {
            return Ok(Step::Nothing);
        }
        Ok(Step::Request(std::mem::take(&mut self.parts).freeze()))
    }

    fn hold(&mut self, bytes: Bytes) {
        let window = Arc::clone(self.gate.window());
        let acquiring = window.acquire_many_owned(Gate::units(bytes.len()));
        self.held = Some((bytes, Box::pin(acquiring)));
    }

    /// Lets the held request through when the gate is open and the window has room for it.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        let Some((_, acquiring)) = &mut self.held else {
            return Poll::Ready(None);
        };
        ready!(self.gate.poll_open(cx));
        let permit = ready!(acquiring.poll_unpin(cx));
        let Some((bytes, _)) = self.held.take() else {
            return Poll::Ready(None);
        };
        let Ok(permit) = permit else {
            // The window is never closed.
            return Poll::Ready(Some(Inbound::Close));
        };
        let asked = decode::frame(&bytes);
        let asked = asked.map_err(|Refused { reference, reject }| (reference, reject));
        Poll::Ready(Some(Inbound::Request(asked, permit)))
    }

    /// Reads on, and looks at nothing: a socket that is closed with something unread in it resets
    /// the connection, and the last words would be lost.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        // With it goes what it took of the window.
        self.held = None;
        self.parts = BytesMut::new();
        loop {
            self.buffer = BytesMut::new();
            if ready!(self.incoming.poll_read(cx, &mut self.buffer)).is_none() {
                return Poll::Ready(None);
            }
        }
    }

    fn violated(&mut self, violation: Violation) -> Poll<Option<Inbound>> {
        self.is_over = true;
        (self.buffer, self.parts) = (BytesMut::new(), BytesMut::new());
        Poll::Ready(Some(Inbound::Violation(violation)))
    }
}

impl Stream for InboundFrames {
    type Item = Inbound;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        let this = self.get_mut();
        loop {
            if this.gate.is_closed() {
                return this.poll_discard(cx);
            }
            if let Some(inbound) = ready!(this.poll_held(cx)) {
                return Poll::Ready(Some(inbound));
            }
            if this.is_over {
                // A violation was told; the session ends, and nothing more is read.
                return Poll::Pending;
            }
            match this.next_frame() {
                Err(violation) => return this.violated(violation),
                Ok(Some(frame)) => match this.step(frame) {
                    Err(violation) => return this.violated(violation),
                    Ok(Step::Yield(inbound)) => return Poll::Ready(Some(inbound)),
                    Ok(Step::Request(bytes)) => this.hold(bytes),
                    Ok(Step::Nothing) => {}
                },
                Ok(None) => {
                    if ready!(this.incoming.poll_read(cx, &mut this.buffer)).is_none() {
                        return Poll::Ready(None);
                    }
                }
            }
        }
    }
}
