//! REST, with a key on everything that changes something, so that a repeat is safe.

mod decisions;
mod download;
mod list;
mod messages;
mod todo;
mod verdict;

use std::time::Duration;

use bridge_core::IdempotencyKey;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde_json::{Map, Value};

use super::back_off::BackOff;
use super::error::{ClientError, Refusal, root_cause};
use super::keys;
use super::token::Token;
use super::url::Address;
use crate::wire::frame::Rejected;
use crate::wire::rest::ErrorBody;

pub use decisions::{Decision, NewCritique, NewDecision, Settled};
pub use download::Download;
pub use messages::{Looks, Tracked};
pub use verdict::Awaited;

/// A server on the same planet accepts a connection within this, or not at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Longer than the server needs for a durable write on a slow disk, shorter than patience.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Repeats of a request that was refused for now or did not get through: two seconds in all, which
/// a full queue needs to drain and a service manager needs to restart the server.
const RETRIES_MAX: u32 = 4;
/// The first pause between two of them.
const PAUSE_FIRST: Duration = Duration::from_millis(150);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Bytes of an answer. The server's pages hold a megabyte of stored texts, which escaping can
/// multiply by six; what is larger is not from our server.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of an answer that is no JSON which are worth showing.
const EXCERPT_CHARS_MAX: usize = 200;

/// A client of the server's REST interface.
#[derive(Debug, Clone)]
pub struct RestClient {
    address: Address,
    bearer: HeaderValue,
    http: Client,
}

/// One request, as it is sent again and again.
struct Call<'a> {
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, String)],
    body: Option<&'a Value>,
    key: Option<IdempotencyKey>,
    /// How long one try may take.
    within: Duration,
}

impl RestClient {
    /// A client that sends this token to this server. It connects when it is first asked something.
    ///
    /// # Errors
    /// When the token cannot stand in a header.
    pub fn new(address: &Address, token: &Token) -> Result<Self, ClientError> {
        let bearer = token.header()?;
        // A proxy from the environment is not asked: the session would not go through it either,
        // and a token for a loopback server must not end up there. Redirects are not followed,
        // because our server sends none.
        let http = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|why| ClientError::Lost(root_cause(&why)))?;
        Ok(Self {
            address: address.clone(),
            bearer,
            http,
        })
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, ClientError> {
        self.get_later(path, query, Duration::ZERO).await
    }

    /// Reads a resource whose answer the server may hold back for a while, which `query` says too.
    async fn get_later(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        held_back: Duration,
    ) -> Result<Value, ClientError> {
        self.call(Call {
            method: Method::GET,
            path,
            query,
            body: None,
            key: None,
            within: ANSWER_WITHIN + held_back,
        })
        .await
    }

    /// Creates something. Without a key it makes one; a repeat by the caller should bring the key
    /// of the first try.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn post(
        &self,
        path: &[&str],
        body: &Value,
        key: Option<IdempotencyKey>,
    ) -> Result<Value, ClientError> {
        let key = Some(key.unwrap_or_else(keys::new_key));
        self.call(Call {
            method: Method::POST,
            path,
            query: &[],
            body: Some(body),
            key,
            within: ANSWER_WITHIN,
        })
        .await
    }

    /// Puts something in its place.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn put(&self, path: &[&str], body: &Value) -> Result<Value, ClientError> {
        let key = Some(keys::new_key());
        self.call(Call {
            method: Method::PUT,
            path,
            query: &[],
            body: Some(body),
            key,
            within: ANSWER_WITHIN,
        })
        .await
    }

    /// Changes something that is there; what is not named stays as it is.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn patch(&self, path: &[&str], body: &Value) -> Result<Value, ClientError> {
        let key = Some(keys::new_key());
        self.call(Call {
            method: Method::PATCH,
            path,
            query: &[],
            body: Some(body),
            key,
            within: ANSWER_WITHIN,
        })
        .await
    }

    /// Takes something away.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn delete(&self, path: &[&str], body: Option<&Value>) -> Result<Value, ClientError> {
        let key = Some(keys::new_key());
        self.call(Call {
            method: Method::DELETE,
            path,
            query: &[],
            body,
            key,
            within: ANSWER_WITHIN,
        })
        .await
    }

    async fn call(&self, call: Call<'_>) -> Result<Value, ClientError> {
        let mut back_off = BackOff::new(PAUSE_FIRST, PAUSE_MAX);
        loop {
            let error = match self.once(&call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // A time-out has used up the user's patience already.
            let is_timeout = matches!(error, ClientError::TimedOut { .. });
            if !error.may_pass() || is_timeout || back_off.tries() == RETRIES_MAX {
                return Err(error);
            }
            let wait = back_off.wait(error.retry_after_ms(), keys::jitter());
            tracing::debug!(%error, ?wait, "the request will be repeated");
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&self, call: &Call<'_>) -> Result<Value, ClientError> {
        let url = self.address.resource(call.path, call.query);
        let mut request = self
            .http
            .request(call.method.clone(), url)
            .timeout(call.within)
            .header(AUTHORIZATION, self.bearer.clone());
        if let Some(body) = call.body {
            request = request.json(body);
        }
        if let Some(key) = &call.key {
            request = request.header("Idempotency-Key", header(key)?);
        }
        let mut response = request
            .send()
            .await
            .map_err(|why| self.failed(&why, call.within))?;
        let body = self.read(&mut response, call.within).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(ClientError::Refused(Box::new(refusal(status, &body))));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|why| {
            ClientError::Protocol(format!("{status}, but its body is no JSON: {why}"))
        })
    }

    async fn read(
        &self,
        response: &mut Response,
        within: Duration,
    ) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        let failed = |why| self.failed(&why, within);
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                let why = format!("it is larger than {ANSWER_BYTES_MAX} bytes");
                return Err(ClientError::Protocol(why));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failed(&self, error: &reqwest::Error, within: Duration) -> ClientError {
        let why = root_cause(error);
        match error {
            e if e.is_connect() => ClientError::Unreachable {
                address: self.address.clone(),
                why,
            },
            e if e.is_timeout() => ClientError::TimedOut {
                what: "the server's answer",
                after: within,
            },
            _ => ClientError::Lost(why),
        }
    }
}

/// A key of any script does not fit into a header. Ours are UUIDs; this is for those of users.
fn header(key: &IdempotencyKey) -> Result<HeaderValue, ClientError> {
    let is_plain = key
        .as_str()
        .bytes()
        .all(|b| b.is_ascii_graphic() || b == b' ');
    let header = HeaderValue::from_str(key.as_str())
        .ok()
        .filter(|_| is_plain);
    header.ok_or_else(|| {
        ClientError::Input("a key may only contain ASCII characters over REST".to_owned())
    })
}

/// What a refusal says. One that is not from our server, but from a proxy before it, is put into
/// the same words; its number is the HTTP status, which is below all of ours.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    if let Ok(ErrorBody { error, request_id }) = serde_json::from_slice(body) {
        return Refusal {
            rejected: error.rejected,
            details: error.details,
            request_id: Some(request_id),
        };
    }
    let text = String::from_utf8_lossy(body);
    let excerpt: String = text.trim().chars().take(EXCERPT_CHARS_MAX).collect();
    let said = if excerpt.is_empty() {
        String::new()
    } else {
        format!(": {excerpt}")
    };
    let is_unauthorized = status == StatusCode::UNAUTHORIZED;
    let temporary = matches!(status.as_u16(), 429 | 502..=504);
    let rejected = Rejected {
        reference: None,
        code: if is_unauthorized {
            "unauthorized".to_owned()
        } else {
            "http".to_owned()
        },
        number: if is_unauthorized {
            1100
        } else {
            status.as_u16()
        },
        message: format!("the server answered {status}{said}"),
        temporary,
        retry_after_ms: None,
    };
    Refusal {
        rejected,
        details: Map::new(),
        request_id: None,
    }
}

#[cfg(test)]
mod tests;
