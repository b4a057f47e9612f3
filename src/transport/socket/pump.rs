//! A session's socket, after the web server.
//!
//! It keeps no buffer: what is to be written is asked for when the socket has taken what was there
//! before, and what comes is read by the session itself, when it wants more.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use bytes::{Buf, Bytes};
use futures_util::future::LocalBoxFuture;
use tokio::io::AsyncWrite;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::timeout;

use super::line::{Line, with_scratch};
use crate::transport::exit::Departed;

/// The web server's part of a connection.
pub(in crate::transport) type Http = LocalBoxFuture<'static, ()>;

struct Pump {
    writing: OwnedWriteHalf,
    body: BoxBody,
    /// What the socket has not taken of the last chunk.
    rest: Bytes,
    line: Rc<Line>,
    /// It may have read more than the session has asked for; then it stays until that is asked for.
    http: Option<Http>,
}

/// How the writing of a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All of it is written.
    Told,
    /// The client has gone, or the session.
    Lost,
}

/// Serves a socket that has left the web server, to its end. A client that was told everything is
/// waited for, for so long.
pub(in crate::transport) async fn run(departed: Departed, http: Option<Http>, within: Duration) {
    let Departed { stream, body, line } = departed;
    let (reading, writing) = stream.into_split();
    line.connect(reading);
    let mut pump = Pump {
        writing,
        body,
        rest: Bytes::new(),
        line,
        http,
    };
    let end = poll_fn(|cx| pump.poll(cx)).await;
    let Pump {
        writing,
        body,
        line,
        http,
        ..
    } = pump;
    drop((body, http));
    // From here on the session reads nothing, whether or not it has heard that it is over.
    line.end();
    if end == End::Told {
        // In a box, since for nearly all of a session's life there is none.
        let lingering = Box::pin(timeout(within, linger(writing)));
        if lingering.await.is_err() {
            tracing::debug!("a client that was told goodbye did not close");
        }
    }
}

impl Pump {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.end_http(cx);
        loop {
            if self.line.poll_over(cx).is_ready() {
                return Poll::Ready(End::Lost);
            }
            if self.rest.is_empty() {
                // Nothing is kept of a chunk that is written.
                self.rest = Bytes::new();
                match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                    Some(Ok(chunk)) => self.rest = chunk,
                    Some(Err(_)) => return Poll::Ready(End::Lost),
                    None => return Poll::Ready(End::Told),
                }
                continue;
            }
            match ready!(Pin::new(&mut self.writing).poll_write(cx, &self.rest)) {
                Ok(0) | Err(_) => return Poll::Ready(End::Lost),
                Ok(written) => self.rest.advance(written),
            }
        }
    }

    /// Lets the web server hand over what it has read, and then go. A session that waits for more
    /// is given all of that at once, so nothing is lost with it.
    fn end_http(&mut self, cx: &mut Context<'_>) {
        let Some(http) = &mut self.http else {
            return;
        };
        let has_caught_up = self.line.has_caught_up();
        if http.as_mut().poll(cx).is_ready() || has_caught_up {
            self.http = None;
        }
    }
}

/// Closes, and reads on until the client has closed, too: a socket that is closed with something
/// unread in it resets the connection, and the last words would be lost.
async fn linger(mut writing: OwnedWriteHalf) {
    let closed = poll_fn(|cx| Pin::new(&mut writing).poll_shutdown(cx)).await;
    if closed.is_err() {
        return;
    }
    let stream = writing.as_ref();
    while stream.readable().await.is_ok() {
        match with_scratch(|scratch| stream.try_read(scratch)) {
            Ok(0) => return,
            Ok(_) => {}
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests;
