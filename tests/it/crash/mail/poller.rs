//! A member that has no session: it asks for its messages, and waits for them.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::ring::{Member, Request};
use crate::support::{Binary, Rest};

pub(super) struct Poller {
    rest: Rest,
    /// What the last answer said to go on with.
    after: Option<String>,
}

impl Poller {
    pub(super) async fn new(server: &Binary, name: &str) -> Self {
        let rest = server.rest(name);
        // The first request makes it known.
        rest.get("/v1/mailbox?peek=true").await.ok(200);
        Self { rest, after: None }
    }

    /// Whether the server is still there when it stops.
    pub(super) async fn talk(
        &mut self,
        member: &mut Member,
        may_begin: bool,
        stopped: &watch::Receiver<bool>,
    ) -> bool {
        loop {
            if may_begin {
                member.begin_if_done();
            }
            while let Some((word, request)) = next(member) {
                let Some(told) = self.ask(self.request(&request)).await else {
                    return false;
                };
                if told.get("error").is_none() {
                    member.answered(&word, &told);
                }
            }
            member.note_idle();
            // Short, since it is not broken off: what it returns would be lost.
            let mut path = "/v1/mailbox?limit=5&wait=1".to_owned();
            if let Some(after) = self.after.take() {
                path = format!("{path}&after={after}");
            }
            if *stopped.borrow() || stopped.has_changed().is_err() {
                return true;
            }
            let page = self.ask(self.rest.request(Method::GET, &path)).await;
            let Some(page) = page else { return false };
            self.after = page["next"].as_str().map(str::to_owned);
            for message in page["items"].as_array().expect("a list") {
                member.deal_with(message);
            }
        }
    }

    fn request(&self, request: &Request) -> RequestBuilder {
        match request {
            Request::Send(body) => {
                let mut body = body.clone();
                let fields = body.as_object_mut().expect("a frame is an object");
                let key = fields.remove("key").expect("it has a key");
                let post = self.rest.request(Method::POST, "/v1/messages");
                let key = key.as_str().expect("a key is text");
                post.header("Idempotency-Key", key).json(&body)
            }
            Request::Ack { id, stage } => {
                let path = format!("/v1/messages/{id}/ack");
                let post = self.rest.request(Method::POST, &path);
                post.json(&json!({"stage": stage}))
            }
        }
    }

    /// The body of an answer; nothing when the server is gone.
    async fn ask(&self, request: RequestBuilder) -> Option<Value> {
        let reply = self.rest.try_send(request).await.ok()?;
        let body = reply.json();
        let is_fine = reply.status < 300 || body["error"]["temporary"] == true;
        assert!(is_fine, "{}: {body}", reply.status);
        Some(body)
    }
}

fn next(member: &Member) -> Option<(String, Request)> {
    let (word, request) = member.open.first_key_value()?;
    Some((word.clone(), request.clone()))
}
