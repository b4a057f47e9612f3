//! HTTP as it is: nothing is repeated, and every answer is seen.

use std::time::Duration;

use agent_bridge::client::Token;
use reqwest::header::{ACCEPT, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

use super::server::Server;

/// How long an answer may take, or a stream be silent: its comments come more often.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// One client's way to the server.
#[derive(Debug, Clone)]
pub(super) struct Http {
    base: String,
    token: Token,
    client: Client,
}

/// What many share. No connection is used twice: the server may be another one by then.
pub(super) fn client() -> Result<Client, String> {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
    client.build().map_err(|why| why.to_string())
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The header of this name, in seconds.
    pub(super) retry_after: Option<u64>,
    pub(super) body: Value,
}

impl Http {
    pub(super) fn new(server: &Server, name: &str) -> Result<Self, String> {
        Self::with(&client()?, server, name)
    }

    /// The way of who may administer the server.
    pub(super) fn operator(server: &Server) -> Result<Self, String> {
        Ok(Self {
            base: format!("http://{}", server.socket()),
            token: server.operator_token()?,
            client: client()?,
        })
    }

    /// One of many, which share what is costly.
    pub(super) fn with(client: &Client, server: &Server, name: &str) -> Result<Self, String> {
        Ok(Self {
            base: format!("http://{}", server.socket()),
            token: server.token(name)?,
            client: client.clone(),
        })
    }

    /// Asks once.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let mut request = self.request(method, path).timeout(ANSWER_WITHIN);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_string());
        }
        let failed = |why: reqwest::Error| format!("{path}: {why}");
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        let body = response.bytes().await.map_err(failed)?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    }

    /// Opens a stream of events.
    pub(super) async fn stream(&self, path: &str) -> Result<Stream, String> {
        let request = self.request(Method::GET, path);
        let request = request.header(ACCEPT, "text/event-stream");
        let response = request.send().await;
        let response = response.map_err(|why| format!("{path}: {why}"))?;
        if response.status().as_u16() != 200 {
            return Err(format!("{path}: {}", response.status()));
        }
        Ok(Stream {
            response,
            bytes: Vec::new(),
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.base);
        self.client
            .request(method, url)
            .bearer_auth(self.token.reveal())
    }
}

/// An open stream of events.
#[derive(Debug)]
pub(super) struct Stream {
    response: Response,
    bytes: Vec<u8>,
}

impl Stream {
    /// What the next event says.
    pub(super) async fn next(&mut self) -> Result<Value, String> {
        loop {
            while let Some(block) = self.block() {
                let mut lines = block.lines();
                if let Some(data) = lines.find_map(|line| line.strip_prefix("data: ")) {
                    return serde_json::from_str(data).map_err(|why| format!("{why}: {data}"));
                }
            }
            let more = tokio::time::timeout(ANSWER_WITHIN, self.response.chunk()).await;
            let more = more.map_err(|_| format!("a stream was silent for {ANSWER_WITHIN:?}"))?;
            match more.map_err(|why| format!("a stream broke: {why}"))? {
                Some(more) => self.bytes.extend_from_slice(&more),
                None => return Err("a stream ended".to_owned()),
            }
        }
    }

    /// Up to an empty line.
    fn block(&mut self) -> Option<String> {
        let end = self.bytes.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
        Some(String::from_utf8_lossy(&block).into_owned())
    }
}
