//! How a session's socket leaves the web server.
//!
//! The web server keeps sixteen kilobytes of buffers for a connection for as long as it serves it.
//! That is little for a request, and much for a session that lives for days and says nothing. So
//! when the head of the answer to a session's handshake is written, the socket is taken away from the
//! web server, and the body that was to follow with it; `socket::pump` goes on with them.
//!
//! All other answers are none of this file's business, also those to a handshake that is refused.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{self, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{TRANSFER_ENCODING, UPGRADE};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::{Error, HttpRequest};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connections::Place;
use super::socket::Line;

/// A connection's way out of the web server.
#[derive(Clone, Default)]
pub(super) struct Exit(Rc<RefCell<Leaving>>);

/// What has been brought to the exit so far.
#[derive(Default)]
struct Leaving {
    line: Option<Rc<Line>>,
    body: Option<BoxBody>,
    stream: Option<TcpStream>,
}

/// A socket that has left the web server: the head of the last answer is written, nothing of the
/// body that follows it.
pub(super) struct Departed {
    /// The socket.
    pub(super) stream: TcpStream,
    /// What is to be written to it.
    pub(super) body: BoxBody,
    /// By which what comes is read.
    pub(super) line: Rc<Line>,
}

impl Exit {
    /// The exit of a request's connection. There is one for requests whose body has no end, so that
    /// the web server looks for no other request behind it, and is not in chunks, which it would take
    /// apart. A session that is asked for by any other stays in the web server.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        let headers = request.headers();
        let is_endless = headers.get_all(UPGRADE).any(|value| {
            let value = value.to_str().map(str::trim);
            value.is_ok_and(|value| value.eq_ignore_ascii_case("websocket"))
        });
        if !is_endless || headers.contains_key(TRANSFER_ENCODING) {
            return None;
        }
        request.conn_data::<Self>().cloned()
    }

    /// A handler wants to have the socket, and will read it by this line.
    pub(super) fn open_line(&self) -> Rc<Line> {
        let line = Rc::new(Line::default());
        self.0.borrow_mut().line = Some(Rc::clone(&line));
        line
    }

    /// What has left, once.
    pub(super) fn departed(&self) -> Option<Departed> {
        let mut leaving = self.0.borrow_mut();
        let stream = leaving.stream.take()?;
        let (body, line) = leaving.body.take().zip(leaving.line.take())?;
        Some(Departed { stream, body, line })
    }

    fn is_wanted(&self) -> bool {
        self.0.borrow().line.is_some()
    }

    /// From here on the socket leaves when all that the web server had to write is written.
    fn open(&self, body: BoxBody) {
        self.0.borrow_mut().body = Some(body);
    }

    fn is_open(&self) -> bool {
        self.0.borrow().body.is_some()
    }

    fn leave(&self, stream: TcpStream) {
        self.0.borrow_mut().stream = Some(stream);
    }

    /// Nothing leaves: the connection ends in the web server.
    fn shut(&self) {
        let leaving = self.0.take();
        if let Some(line) = leaving.line {
            line.end();
        }
    }
}

/// Takes the body of an answer that gives a connection to a session, and leaves its head.
pub(super) async fn take(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let exit = Exit::of(request.request());
    let response = next.call(request).await?.map_into_boxed_body();
    let is_agreed = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let Some(exit) = exit.filter(|exit| is_agreed && exit.is_wanted()) else {
        return Ok(response);
    };
    Ok(response.map_body(|_, body| {
        exit.open(body);
        BoxBody::new(body::None::new())
    }))
}

/// A socket as the web server sees it, also when it has left.
pub(super) struct Io {
    stream: Option<TcpStream>,
    exit: Exit,
    place: Rc<Place>,
}

impl Io {
    pub(super) fn new(stream: TcpStream, exit: Exit, place: Rc<Place>) -> Self {
        Self {
            stream: Some(stream),
            exit,
            place,
        }
    }

    /// The connection's place among the open ones.
    pub(super) fn place(&self) -> &Rc<Place> {
        &self.place
    }

    pub(super) fn exit(&self) -> &Exit {
        &self.exit
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        if self.stream.is_some() {
            self.exit.shut();
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_read(cx, buffer),
            // Nothing comes here any more. Who took the socket ends the web server's part, too.
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_write(cx, bytes),
            None => Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// The web server flushes when it has written all that it had. The head of the answer is among
    /// that: it is put there in the same step in which the exit is opened.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        if this.exit.is_open()
            && let Some(stream) = this.stream.take()
        {
            this.exit.leave(stream);
        }
        match &mut this.stream {
            Some(stream) => Pin::new(stream).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
