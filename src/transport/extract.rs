//! Parts of a request become types, or a refusal that names them.

use std::str::FromStr;
use std::time::Duration;

use actix_web::{HttpRequest, web};
use bridge_core::{IdempotencyKey, Reject, limits};
use serde::de::DeserializeOwned;

use crate::wire::decode;

/// A part of the path.
pub(super) fn path<T>(request: &HttpRequest, name: &str) -> Result<T, Reject>
where
    T: FromStr<Err: std::fmt::Display>,
{
    let text = request.match_info().get(name).unwrap_or_default();
    text.parse().map_err(|why| Reject::field(name, why))
}

/// The query.
pub(super) fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Reject> {
    let pairs = serde_urlencoded::Deserializer::new(form_pairs(request.query_string()));
    serde_path_to_error::deserialize(pairs)
        .map_err(|why| Reject::field(why.path().to_string(), why.inner()))
}

fn form_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// A JSON object in the body, of bounded size.
pub(super) async fn body<T: DeserializeOwned>(payload: web::Payload) -> Result<T, Reject> {
    decode::object(&bytes(payload).await?)
}

/// A JSON object in the body, if there is a body.
pub(super) async fn optional_body<T: DeserializeOwned + Default>(
    payload: web::Payload,
) -> Result<T, Reject> {
    let bytes = bytes(payload).await?;
    if bytes.is_empty() {
        Ok(T::default())
    } else {
        decode::object(&bytes)
    }
}

async fn bytes(payload: web::Payload) -> Result<web::Bytes, Reject> {
    match payload.to_bytes_limited(limits::BODY_BYTES_MAX).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Reject::BadJson("the body was cut off".to_owned())),
        Err(_) => Err(Reject::TooLarge {
            max: limits::BODY_BYTES_MAX,
        }),
    }
}

/// The header `Idempotency-Key`.
pub(super) fn key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Reject> {
    header(request, "Idempotency-Key")
}

/// A header that may be there.
pub(super) fn header<T>(request: &HttpRequest, name: &str) -> Result<Option<T>, Reject>
where
    T: FromStr<Err: std::fmt::Display>,
{
    let Some(value) = request.headers().get(name) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(value.as_bytes()).map_err(|why| Reject::field(name, why))?;
    text.parse()
        .map(Some)
        .map_err(|why| Reject::field(name, why))
}

/// How many items a page may have.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Reject> {
    let limit = asked.unwrap_or(limits::PAGE_RECORDS_DEFAULT);
    if (1..=limits::PAGE_RECORDS_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Reject::field(
        "limit",
        format!("must be from 1 to {}", limits::PAGE_RECORDS_MAX),
    ))
}

/// How long a call may wait.
pub(super) fn wait(seconds: Option<u64>) -> Result<Duration, Reject> {
    let wait = Duration::from_secs(seconds.unwrap_or_default());
    if wait <= limits::LONG_POLL_MAX {
        return Ok(wait);
    }
    let max = limits::LONG_POLL_MAX.as_secs();
    Err(Reject::field(
        "wait",
        format!("must be at most {max} seconds"),
    ))
}
