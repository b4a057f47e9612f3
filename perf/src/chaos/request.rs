//! A request under a key: by whichever way it is made, it is carried out once, and its receipt is
//! the same.

use std::net::SocketAddr;
use std::time::Duration;

use agent_bridge::client::Token;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::http::Http;
use super::peer::Peer;
use super::server::Server;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Post { room: String, text: String },
    Create { room: String, topic: String },
    Join { room: String, role: &'static str },
    Send { to: Vec<String>, text: String },
    Ack { id: String, reason: String },
}

/// Somebody's request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) by: String,
    pub(super) key: String,
    pub(super) what: What,
}

/// By which way it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Session,
    Rest,
}

/// How it was answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    /// What stays the same whenever it is asked again; and whether it was said to be a repeat, where
    /// that is said.
    Receipt(Value, Option<bool>),
    /// Refused, with this word; for now, or for ever.
    Refused(String, bool),
}

impl Request {
    /// As a frame, with its key.
    fn frame(&self) -> Value {
        let key = &self.key;
        match &self.what {
            What::Post { room, text } => {
                json!({"type": "post", "key": key, "room": room, "text": text})
            }
            What::Create { room, topic } => {
                json!({"type": "create_room", "key": key, "room": room, "topic": topic})
            }
            What::Join { room, role } => {
                json!({"type": "join", "key": key, "room": room, "role": role})
            }
            What::Send { to, text } => json!({"type": "send", "key": key, "to": to, "text": text}),
            What::Ack { id, reason } => {
                json!({"type": "ack", "key": key, "id": id, "stage": "done", "reason": reason})
            }
        }
    }

    /// The same over REST, where the key is a header.
    fn http(&self) -> (Method, String, Value) {
        match &self.what {
            What::Post { room, text } => {
                let path = format!("/v1/rooms/{room}/messages");
                (Method::POST, path, json!({"text": text}))
            }
            What::Create { room, topic } => {
                let body = json!({"room": room, "topic": topic});
                (Method::POST, "/v1/rooms".to_owned(), body)
            }
            What::Join { room, role } => {
                let path = format!("/v1/rooms/{room}/members/me");
                (Method::PUT, path, json!({"role": role}))
            }
            What::Send { to, text } => {
                let body = json!({"to": to, "text": text});
                (Method::POST, "/v1/messages".to_owned(), body)
            }
            What::Ack { id, reason } => {
                let path = format!("/v1/messages/{id}/ack");
                (
                    Method::POST,
                    path,
                    json!({"stage": "done", "reason": reason}),
                )
            }
        }
    }

    /// Another request under the same key, which must be refused.
    pub(super) fn misused(&self) -> Self {
        let mut other = self.clone();
        match &mut other.what {
            What::Post { text, .. } | What::Send { text, .. } => text.push('!'),
            What::Create { topic, .. } => topic.push('!'),
            What::Join { role, .. } => *role = "tester",
            What::Ack { reason, .. } => reason.push('!'),
        }
        other
    }

    /// What an answer says that stays the same.
    fn receipt(&self, answer: &Value) -> Result<Value, String> {
        let own = |member: &&Value| member["client"] == self.by;
        let receipt = match &self.what {
            What::Post { .. } => {
                json!([answer["seq"], answer["id"], answer["at"], answer["text"]])
            }
            // A session is told the event, REST shows the room.
            What::Create { .. } if answer["kind"] == "room_created" => {
                json!([answer["at"], answer["by"]])
            }
            What::Create { .. } => json!([answer["created_at"], answer["created_by"]]),
            What::Join { .. } => {
                let mut members = answer["members"].as_array().into_iter().flatten();
                json!([members.find(own).map(|member| &member["joined_at"])])
            }
            What::Send { .. } | What::Ack { .. } => json!([answer["id"], answer["at"]]),
        };
        let parts = receipt.as_array().into_iter().flatten();
        if parts.clone().any(Value::is_null) {
            return Err(format!("{self:?} was answered {answer}"));
        }
        Ok(receipt)
    }

    fn told(&self, answer: &Value, duplicate: Option<bool>) -> Result<Told, String> {
        if answer["code"].is_string() {
            let word = answer["code"].as_str().unwrap_or_default().to_owned();
            return Ok(Told::Refused(word, answer["temporary"] == true));
        }
        Ok(Told::Receipt(self.receipt(answer)?, duplicate))
    }
}

/// Where a client asks.
#[derive(Debug, Clone)]
pub(super) struct Door {
    address: SocketAddr,
    name: String,
    token: Token,
    http: Http,
}

impl Door {
    /// The door for whoever makes a request.
    pub(super) fn of(server: &Server, http: &reqwest::Client, name: &str) -> Result<Self, String> {
        Ok(Self {
            address: server.socket(),
            name: name.to_owned(),
            token: server.token(name)?,
            http: Http::with(http, server, name)?,
        })
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask(&self, request: &Request, way: Way) -> Result<Told, String> {
        if way == Way::Session {
            let mut peer = self.session().await?;
            return over(&mut peer, request).await;
        }
        let (method, path, body) = request.http();
        let key = Some(request.key.as_str());
        let answer = self.http.ask(method, &path, key, Some(&body)).await?;
        let is_repeat = match answer.status {
            201 => Some(false),
            200 if matches!(request.what, What::Join { .. }) => None,
            200 => Some(answer.body["duplicate"] != false),
            _ => return request.told(&answer.body["error"], None),
        };
        request.told(&answer.body, is_repeat)
    }

    /// Asks twice over one session, without waiting in between.
    pub(super) async fn ask_twice(&self, request: &Request) -> Result<[Told; 2], String> {
        let mut peer = self.session().await?;
        let words = ["first", "second"];
        for word in words {
            let mut frame = request.frame();
            frame["ref"] = json!(word);
            peer.queue(&frame);
        }
        peer.flush().await?;
        let mut answers = words.map(|_| None);
        loop {
            if let [Some(first), Some(second)] = answers {
                return Ok([first, second]);
            }
            // In whichever order they come.
            let frame = peer.next().await?;
            let place = words.iter().position(|word| frame["ref"] == *word);
            if let Some(place) = place {
                answers[place] = Some(said(request, &frame)?);
            }
        }
    }

    /// Asks, and is gone after a while without having looked at the answer.
    pub(super) async fn ask_and_leave(
        &self,
        request: &Request,
        way: Way,
        after: Duration,
    ) -> Result<(), String> {
        if way == Way::Session {
            let mut peer = self.session().await?;
            peer.send(&request.frame()).await?;
            sleep(after).await;
            return Ok(());
        }
        let (method, path, body) = request.http();
        let (body, key, token) = (body.to_string(), &request.key, self.token.reveal());
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
             Idempotency-Key: {key}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let failed = |why: std::io::Error| format!("{path}: {why}");
        let stream = TcpStream::connect(self.address).await.map_err(failed)?;
        stream.ready(Interest::WRITABLE).await.map_err(failed)?;
        // A request this small fits into an empty socket.
        let written = stream.try_write(text.as_bytes()).map_err(failed)?;
        if written != text.len() {
            return Err(format!("{path}: the socket took {written} bytes"));
        }
        sleep(after).await;
        Ok(())
    }

    async fn session(&self) -> Result<Peer, String> {
        let mut peer = Peer::open(self.address, &self.name, &self.token).await?;
        peer.must(json!({"type": "hello", "messages": false}))
            .await?;
        Ok(peer)
    }
}

async fn over(peer: &mut Peer, request: &Request) -> Result<Told, String> {
    said(request, &peer.ask(request.frame()).await?)
}

/// What a frame says.
fn said(request: &Request, frame: &Value) -> Result<Told, String> {
    let is_repeat = frame["duplicate"] == true;
    request.told(frame, Some(is_repeat))
}

#[cfg(test)]
mod tests;
