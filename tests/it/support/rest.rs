//! A REST client that sees the whole answer.

use std::net::SocketAddr;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use super::within;

/// One client's way to a server.
#[derive(Clone)]
pub(crate) struct Rest {
    base: String,
    token: Option<String>,
    http: Client,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// What was asked, for messages.
    asked: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Rest {
    pub(crate) fn new(addr: SocketAddr, token: Option<String>) -> Self {
        // No connection outlives its request, so that a stopping server has none to wait for.
        let http = Client::builder().no_proxy().pool_max_idle_per_host(0);
        Self {
            base: format!("http://{addr}"),
            token,
            http: http.build().expect("a client without TLS"),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        let reply = self.try_send(request).await;
        reply.unwrap_or_else(|why| panic!("{}: {why:?}", self.base))
    }

    /// Sends a request to a server that may be gone.
    pub(crate) async fn try_send(&self, request: RequestBuilder) -> Result<Reply, reqwest::Error> {
        let request = request.build().expect("a request");
        let asked = format!("{} {}", request.method(), request.url().path());
        let work = async {
            let answer = self.http.execute(request).await?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let text = answer.text().await?;
            Ok((status, headers, text))
        };
        let (status, headers, text) = within(&asked, work).await?;
        Ok(Reply {
            asked,
            status,
            headers,
            text,
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// With a JSON body, if there is one.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(request).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.ask(Method::DELETE, path, None).await
    }

    /// With a key under which a repeat is recognised.
    pub(crate) async fn keyed(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: &str,
    ) -> Reply {
        let mut request = self.request(method, path).header("Idempotency-Key", key);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(request).await
    }

    /// The last record of a room, as a member sees it.
    pub(crate) async fn head(&self, room: &str) -> u64 {
        let shown = self.get(&format!("/v1/rooms/{room}")).await.ok(200);
        shown["head"].as_u64().expect("a head")
    }

    /// Every event of a room after a position.
    pub(crate) async fn events(&self, room: &str, mut after: u64) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let path = format!("/v1/rooms/{room}/events?after={after}&limit=500");
            let mut page = self.get(&path).await.ok(200);
            assert_eq!(page["complete"], true, "{page}");
            let Value::Array(items) = page["items"].take() else {
                panic!("a list without items: {page}");
            };
            let Some(last) = items.last() else { return all };
            after = last["seq"].as_u64().expect("a seq");
            assert_eq!(page["next"], after, "{}", self.base);
            all.extend(items);
        }
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|why| panic!("{}: no JSON ({why}): {:?}", self.asked, self.text))
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        let id = self.headers.get("x-request-id");
        assert!(id.is_some_and(|id| !id.is_empty()), "{}: no id", self.asked);
        self.json()
    }

    /// The error of a refusal, which has all that every error has.
    #[track_caller]
    pub(crate) fn error(&self, status: u16, code: &str, number: u16) -> Value {
        let body = self.ok(status);
        let error = &body["error"];
        assert_eq!(
            (&error["code"], &error["number"]),
            (&code.into(), &number.into()),
            "{body}"
        );
        assert!(
            error["message"].as_str().is_some_and(|text| text.len() > 5),
            "{body}"
        );
        assert!(error["temporary"].is_boolean(), "{body}");
        assert!(error.get("retry_after_ms").is_some(), "{body}");
        let id = self.headers.get("x-request-id").expect("checked above");
        assert_eq!(body["request_id"].as_str(), id.to_str().ok(), "{body}");
        let kind = self
            .headers
            .get("content-type")
            .and_then(|kind| kind.to_str().ok());
        assert!(
            kind.is_some_and(|kind| kind.starts_with("application/json")),
            "{kind:?}"
        );
        body["error"].clone()
    }
}
