//! HTTP/1.1 over connections that stay open, as a program uses it that asks for much.

use std::net::SocketAddr;
use std::time::Duration;

use agent_bridge::client::Token;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take. The server gives up before.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What every request of one client says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    server: SocketAddr,
    host: HeaderValue,
    authorization: HeaderValue,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// One connection, for one request after the other.
#[derive(Debug)]
pub(crate) struct Connection {
    caller: Caller,
    /// None until it is opened, and after it broke.
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Caller {
    pub(crate) fn new(server: SocketAddr, token: &Token) -> Result<Self, String> {
        let value = |text: String| {
            HeaderValue::try_from(text).map_err(|why| format!("a header of a request: {why}"))
        };
        Ok(Self {
            server,
            host: value(server.to_string())?,
            authorization: value(format!("Bearer {}", token.reveal()))?,
        })
    }
}

impl Connection {
    pub(crate) const fn new(caller: Caller) -> Self {
        Self { caller, open: None }
    }

    /// Opens it, unless it is open.
    pub(crate) async fn open(&mut self) -> Result<(), String> {
        if self.usable().await.is_some() {
            return Ok(());
        }
        let opening = async {
            let stream = TcpStream::connect(self.caller.server).await;
            let stream = stream.map_err(|why| broken(&why))?;
            // A request is one write: nothing is gained by waiting for more.
            stream.set_nodelay(true).map_err(|why| broken(&why))?;
            let shaken = http1::handshake(TokioIo::new(stream)).await;
            shaken.map_err(|why| broken(&why))
        };
        let (requests, connection) = within(opening).await?;
        // It ends with the way to send requests to it; why it broke is what a request is told.
        drop(tokio::spawn(async { drop(connection.await) }));
        self.open = Some(requests);
        Ok(())
    }

    /// Asks once. What is lost on the way is an error, and is not asked again.
    pub(crate) async fn post(
        &mut self,
        path: &'static str,
        key: &str,
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(HOST, &self.caller.host)
            .header(AUTHORIZATION, &self.caller.authorization)
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", key)
            .body(Full::new(Bytes::from(body)))
            .map_err(|why| format!("a request: {why}"))?;
        self.open().await?;
        // Taken out, so that nobody asks over it again if this is given up in the middle.
        let Some(mut open) = self.open.take() else {
            return Err("a connection broke as soon as it was open".to_owned());
        };
        let asking = async {
            let answer = open.send_request(request).await;
            let answer = answer.map_err(|why| broken(&why))?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await;
            let body = body.map_err(|why| broken(&why))?.to_bytes();
            Ok(Answer { status, body })
        };
        let answer = within(asking).await?;
        self.open = Some(open);
        Ok(answer)
    }

    /// The server closes what is idle for long, and that is no error.
    async fn usable(&mut self) -> Option<&mut SendRequest<Full<Bytes>>> {
        if let Some(open) = &mut self.open
            && open.ready().await.is_err()
        {
            self.open = None;
        }
        self.open.as_mut()
    }
}

fn broken(why: &dyn std::error::Error) -> String {
    format!("a connection broke: {why}")
}

async fn within<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = || format!("no answer within {} s", ANSWER_WITHIN.as_secs());
    timeout(ANSWER_WITHIN, work).await.map_err(|_| late())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Answers so many requests on each connection, and then closes it. How many connections came.
    async fn answer(listener: TcpListener, on_each: usize, connections: usize) -> usize {
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            for _ in 0..on_each {
                let mut asked = Vec::new();
                while !asked.ends_with(b"{}") {
                    let read = stream.read_buf(&mut asked).await.expect("a request");
                    assert!(read > 0, "{asked:?}");
                }
                let asked = String::from_utf8(asked).expect("text");
                assert!(
                    asked.starts_with("POST /v1/messages HTTP/1.1\r\n"),
                    "{asked}"
                );
                assert!(asked.contains("idempotency-key: k-1\r\n"), "{asked}");
                assert!(
                    asked.contains("authorization: Bearer secret\r\n"),
                    "{asked}"
                );
                let said = b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\ngood";
                stream.write_all(said).await.expect("an answer");
            }
        }
        connections
    }

    #[tokio::test]
    async fn a_connection_is_kept_and_opened_anew_when_the_server_closed_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let place = listener.local_addr().expect("its address");
        let server = tokio::spawn(answer(listener, 2, 2));
        let caller = Caller::new(place, &Token::from("secret".to_owned())).expect("a caller");
        let mut connection = Connection::new(caller);
        for turn in 0..4 {
            let answer = connection.post("/v1/messages", "k-1", b"{}".to_vec()).await;
            let expected = Answer {
                status: 201,
                body: Bytes::from_static(b"good"),
            };
            assert_eq!(answer, Ok(expected));
            let is_closed = |of: &Connection| of.open.as_ref().is_some_and(SendRequest::is_closed);
            while turn % 2 == 1 && !is_closed(&connection) {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(server.await.expect("no failure"), 2);
    }

    #[tokio::test]
    async fn nobody_there_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let place = listener.local_addr().expect("its address");
        drop(listener);
        let caller = Caller::new(place, &Token::from("secret".to_owned())).expect("a caller");
        let why = Connection::new(caller).open().await.expect_err("nobody");
        assert!(why.starts_with("a connection broke"), "{why}");
    }
}
