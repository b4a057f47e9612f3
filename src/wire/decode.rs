//! Bytes from outside become types, or a refusal that names the field.

use std::borrow::Cow;

use bridge_core::limits;
use bridge_core::{Reject, RoomId};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::frame::{
    ClientFrame, DecisionRequest, Hello, InRoom, Inbound, OfAmendment, OfCritique, OfDecision,
    OfTarget, Ref, RoomRequest,
};
use bridge_core::IdempotencyKey;

/// A refusal of a frame, with the frame's own word when it could be read.
#[derive(Debug)]
pub struct Refused {
    /// The client's word for the request.
    pub reference: Option<Ref>,
    /// Why.
    pub reject: Reject,
}

/// What every frame may carry. Read first and leniently, so that a refusal can carry the `ref`.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default, rename = "ref")]
    reference: Option<Text<'a>>,
    #[serde(borrow, default)]
    room: Option<Text<'a>>,
    #[serde(borrow, default)]
    key: Option<Text<'a>>,
}

/// A string, or something else where a string belongs.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text<'a> {
    Str(#[serde(borrow)] Cow<'a, str>),
    Other(IgnoredAny),
}

/// Parses one text frame.
///
/// # Errors
/// Why it is not a request.
pub fn frame(bytes: &[u8]) -> Result<Inbound, Refused> {
    let anonymous = |reject| Refused {
        reference: None,
        reject,
    };
    check_shape(bytes).map_err(anonymous)?;
    let head: Head<'_> = serde_json::from_slice(bytes).map_err(|why| anonymous(bad_json(&why)))?;
    let reference = reference(head.reference.as_ref()).map_err(anonymous)?;
    match frame_of(&head, bytes) {
        Ok(frame) => Ok(Inbound { reference, frame }),
        Err(reject) => Err(Refused { reference, reject }),
    }
}

fn frame_of(head: &Head<'_>, bytes: &[u8]) -> Result<ClientFrame, Reject> {
    let request = match required("type", head.kind.as_ref())? {
        "hello" => return hello(bytes),
        "ping" => return Ok(ClientFrame::Ping),
        "send" => return Ok(ClientFrame::Send(key(head)?, Box::new(body(bytes)?))),
        "ack" => return Ok(ClientFrame::Ack(key(head)?, body(bytes)?)),
        "create_room" => RoomRequest::Create(body(bytes)?),
        "join" => RoomRequest::Join(body(bytes)?),
        "leave" => RoomRequest::Leave,
        "grant" => RoomRequest::Grant(body(bytes)?),
        "remove" => RoomRequest::Remove(body(bytes)?),
        "create_channel" => RoomRequest::CreateChannel(body(bytes)?),
        "post" => RoomRequest::Post(body(bytes)?),
        "set_policy" => RoomRequest::SetPolicy(body(bytes)?),
        kind => RoomRequest::Decide(about_decisions(kind, bytes)?),
    };
    let room = match head.room.as_ref() {
        None if matches!(request, RoomRequest::Create(_)) => None,
        room => {
            let name = required("room", room)?;
            Some(
                name.parse::<RoomId>()
                    .map_err(|why| Reject::field("room", why))?,
            )
        }
    };
    let key = key(head)?;
    Ok(ClientFrame::InRoom(InRoom { room, key, request }))
}

/// Everything else that there is is about decisions.
fn about_decisions(kind: &str, bytes: &[u8]) -> Result<DecisionRequest, Reject> {
    let decision = || body(bytes).map(|OfDecision { decision }| decision);
    let critique = || body(bytes).map(|OfCritique { critique }| critique);
    Ok(match kind {
        "propose" => DecisionRequest::Propose(body(bytes)?),
        "vote" => DecisionRequest::Vote(decision()?, body(bytes)?),
        "amend" => DecisionRequest::Amend(decision()?, body(bytes)?),
        "adopt" => {
            let OfAmendment { amendment } = body(bytes)?;
            DecisionRequest::Adopt(decision()?, amendment, body(bytes)?)
        }
        "argue" => DecisionRequest::Argue(decision()?, body(bytes)?),
        "withdraw" => DecisionRequest::Withdraw(decision()?),
        "critique" => {
            let OfTarget { target } = body(bytes)?;
            DecisionRequest::Critique(target, body(bytes)?)
        }
        "resolve" => DecisionRequest::Resolve(critique()?, body(bytes)?),
        "waive" => DecisionRequest::Waive(critique()?, body(bytes)?),
        unknown => return Err(Reject::UnknownType(shortened(unknown))),
    })
}

fn key(head: &Head<'_>) -> Result<Option<IdempotencyKey>, Reject> {
    match head.key.as_ref() {
        None => Ok(None),
        key => required("key", key)?
            .parse()
            .map(Some)
            .map_err(|why| Reject::field("key", why)),
    }
}

fn hello(bytes: &[u8]) -> Result<ClientFrame, Reject> {
    let hello: Hello = body(bytes)?;
    let rooms = hello.resume.as_ref().map_or(0, |resume| resume.rooms.len());
    if rooms > limits::CLIENT_ROOMS_MAX {
        let why = format!("must name at most {} rooms", limits::CLIENT_ROOMS_MAX);
        return Err(Reject::field("resume.rooms", why));
    }
    Ok(ClientFrame::Hello(hello))
}

fn reference(text: Option<&Text<'_>>) -> Result<Option<Ref>, Reject> {
    let Some(text) = text else { return Ok(None) };
    let text = required("ref", Some(text))?;
    if text.chars().count() > limits::REF_CHARS_MAX {
        let why = format!("must be at most {} characters", limits::REF_CHARS_MAX);
        return Err(Reject::field("ref", why));
    }
    Ok(Some(Ref(text.into())))
}

fn required<'a>(field: &str, text: Option<&'a Text<'_>>) -> Result<&'a str, Reject> {
    match text {
        Some(Text::Str(text)) => Ok(text),
        Some(Text::Other(_)) => Err(Reject::field(field, "must be a string")),
        None => Err(Reject::field(field, "is missing")),
    }
}

/// A wrong word is shown to its author, but not a megabyte of it.
fn shortened(word: &str) -> String {
    word.chars().take(limits::NAME_CHARS_MAX).collect()
}

/// Parses a JSON object of bounded depth; unknown fields are ignored.
///
/// # Errors
/// [`Reject::BadJson`], or [`Reject::InvalidField`] with the field's path.
pub fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Reject> {
    check_shape(bytes)?;
    body(bytes)
}

fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Reject> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|why| refusal(&why, bytes))?;
    json.end().map_err(|why| bad_json(&why))?;
    Ok(parsed)
}

fn refusal(error: &serde_path_to_error::Error<serde_json::Error>, bytes: &[u8]) -> Reject {
    let inner = error.inner();
    // A number where an enum's word belongs counts as a mistake of syntax.
    let is_json = || serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
    if !inner.is_data() && !is_json() {
        return bad_json(inner);
    }
    let why = sentence(inner);
    let path = error.path().to_string();
    // The path of a missing field is that of its parent; its name is in the sentence.
    if let Some(name) = why
        .strip_prefix("missing field `")
        .and_then(|w| w.strip_suffix('`'))
    {
        let field = if path == "." {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        return Reject::field(field, "is missing");
    }
    if path == "." {
        return Reject::BadJson(why);
    }
    Reject::field(path, why)
}

fn bad_json(error: &serde_json::Error) -> Reject {
    Reject::BadJson(sentence(error))
}

/// Serde's sentence without the position, which means nothing to who sent one line.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// An object of bounded depth. A list would be taken for a struct with its fields in order.
fn check_shape(bytes: &[u8]) -> Result<(), Reject> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Reject::BadJson("it does not begin with a brace".to_owned()));
    }
    check_depth(bytes)
}

/// Refuses JSON that nests deeper than [`limits::JSON_DEPTH_MAX`], before anything is allocated.
fn check_depth(bytes: &[u8]) -> Result<(), Reject> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in bytes {
        if in_string {
            match (escaped, byte) {
                (true, _) => escaped = false,
                (false, b'\\') => escaped = true,
                (false, b'"') => in_string = false,
                (false, _) => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limits::JSON_DEPTH_MAX {
            let max = limits::JSON_DEPTH_MAX;
            return Err(Reject::BadJson(format!(
                "it nests deeper than {max} levels"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
