//! Parts of a request become types, or a refusal that names them.

use std::str::FromStr;
use std::time::Duration;

use actix_web::{HttpRequest, web};
use bridge_core::{IdempotencyKey, Reject, limits};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::gather;
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
    object(&bytes(payload).await?)
}

/// A JSON object in the body, if there is a body.
pub(super) async fn optional_body<T: DeserializeOwned + Default>(
    payload: web::Payload,
) -> Result<T, Reject> {
    let bytes = bytes(payload).await?;
    if bytes.is_empty() {
        Ok(T::default())
    } else {
        object(&bytes)
    }
}

/// A field that is there, whatever it is.
#[derive(serde::Deserialize)]
struct WithKey {
    key: Option<serde::de::IgnoredAny>,
}

/// Who puts the key where a frame has it means that a repeat is harmless. It would not be.
fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Reject> {
    let object = decode::object(bytes)?;
    match decode::object(bytes)? {
        WithKey { key: None } => Ok(object),
        WithKey { key: Some(_) } => Err(Reject::field(
            "key",
            "is the header Idempotency-Key over REST",
        )),
    }
}

async fn bytes(payload: web::Payload) -> Result<web::Bytes, Reject> {
    let in_time = tokio::time::timeout(limits::BODY_TIME_MAX, gathered(payload));
    in_time
        .await
        .unwrap_or_else(|_| Err(Reject::BadJson("the body did not come in time".to_owned())))
}

async fn gathered(mut payload: web::Payload) -> Result<web::Bytes, Reject> {
    let max = limits::BODY_BYTES_MAX;
    let mut whole = web::BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| Reject::BadJson("the body was cut off".to_owned()))?;
        if whole.len() + piece.len() > max {
            return Err(Reject::TooLarge { max });
        }
        gather::add(&mut whole, &piece, max);
    }
    Ok(whole.freeze())
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

#[cfg(test)]
mod tests {
    use actix_web::dev::Payload;
    use actix_web::test::TestRequest;
    use actix_web::{FromRequest, web};
    use serde_json::{Value, json};

    use super::*;

    async fn payload(payload: Payload) -> web::Payload {
        let request = TestRequest::default().to_http_request();
        let mut payload = payload;
        let extracted = web::Payload::from_request(&request, &mut payload).await;
        extracted.expect("every request has a payload")
    }

    fn chunk(bytes: &'static [u8]) -> Result<web::Bytes, actix_web::error::PayloadError> {
        Ok(web::Bytes::from_static(bytes))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_not_waited_for() {
        let begun = futures_util::stream::iter([chunk(b"{\"to")]);
        let stalled = begun.chain(futures_util::stream::pending());
        let payload = payload(Payload::Stream {
            payload: Box::pin(stalled),
        })
        .await;
        let outcome = body::<Value>(payload).await;
        let Err(Reject::BadJson(why)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(why, "the body did not come in time");
    }

    #[test]
    fn a_key_in_the_body_is_no_key() {
        for body in [r#"{"key": "k"}"#, r#"{"text": "x", "key": 7}"#] {
            let outcome = object::<Value>(body.as_bytes());
            let Err(Reject::InvalidField { field, .. }) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(field, "key");
        }
        let good = r#"{"key": null, "metadata": {"key": "k"}}"#;
        let read = object::<Value>(good.as_bytes());
        assert_eq!(
            read.expect("a good body"),
            json!({"key": null, "metadata": {"key": "k"}})
        );
    }
}
