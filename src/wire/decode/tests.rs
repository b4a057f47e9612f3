use bridge_core::RejectCode;

use super::*;

fn refused(text: &str) -> (RejectCode, Option<String>, String) {
    let Refused { reference, reject } = frame(text.as_bytes()).expect_err(text);
    (
        reject.code(),
        reference.map(|r| r.0.into()),
        reject.to_string(),
    )
}

#[expect(clippy::too_many_lines, reason = "a table of cases, one a line or two")]
#[test]
fn a_refusal_names_the_field_and_carries_the_ref() {
    use RejectCode::{BadJson, InvalidField, UnknownType};
    let table = [
        ("", BadJson, None, "not a JSON object"),
        ("{", BadJson, None, "not a JSON object"),
        ("[]", BadJson, None, "not a JSON object"),
        ("\"hello\"", BadJson, None, "not a JSON object"),
        ("{}", InvalidField, None, "type: is missing"),
        (
            r#"{"type":1,"ref":"a"}"#,
            InvalidField,
            Some("a"),
            "type: must be a string",
        ),
        (
            r#"{"type":"dance","ref":"a"}"#,
            UnknownType,
            Some("a"),
            "\"dance\"",
        ),
        (
            r#"{"type":"ping","ref":1}"#,
            InvalidField,
            None,
            "ref: must be a string",
        ),
        (
            r#"{"type":"post","text":"x","ref":"a"}"#,
            InvalidField,
            Some("a"),
            "room: is missing",
        ),
        (
            r#"{"type":"post","room":"r","ref":"a"}"#,
            InvalidField,
            Some("a"),
            "text: is missing",
        ),
        (
            r#"{"type":"post","room":"r","text":""}"#,
            InvalidField,
            None,
            "text: must not be empty",
        ),
        (
            r#"{"type":"post","room":"r","text":7}"#,
            InvalidField,
            None,
            "text: invalid type",
        ),
        (
            r#"{"type":"post","room":"a b","text":"x"}"#,
            InvalidField,
            None,
            "room: may only",
        ),
        (
            r#"{"type":"post","room":"all","text":"x"}"#,
            InvalidField,
            None,
            "room: \"all\"",
        ),
        (
            r#"{"type":"post","room":"r","text":"x","key":""}"#,
            InvalidField,
            None,
            "key: must not",
        ),
        (
            r#"{"type":"post","room":"r","text":"x","reply_to":"7"}"#,
            InvalidField,
            None,
            "reply_to",
        ),
        (
            r#"{"type":"post","room":"r","text":"x","metadata":[]}"#,
            InvalidField,
            None,
            "metadata",
        ),
        (
            r#"{"type":"join","room":"r","role":"king"}"#,
            InvalidField,
            None,
            "role: unknown",
        ),
        (
            r#"{"type":"join","room":"r","since":-1}"#,
            InvalidField,
            None,
            "since: invalid",
        ),
        (
            r#"{"type":"join","room":"r","password":""}"#,
            InvalidField,
            None,
            "password: must not",
        ),
        (
            r#"{"type":"grant","room":"r","client":"x"}"#,
            InvalidField,
            None,
            "role: is missing",
        ),
        (
            r#"{"type":"create_room","policy":{"weights":{"reviewer":-1}}}"#,
            InvalidField,
            None,
            "policy.weights.reviewer: a vote weight",
        ),
        (
            r#"{"type":"hello","resume":[]}"#,
            InvalidField,
            None,
            "resume: invalid type: sequence, expected an object or null",
        ),
        (
            r#"{"type":"create_room","policy":["private"]}"#,
            InvalidField,
            None,
            "policy: invalid type: sequence, expected an object",
        ),
        (
            r#"{"type":"hello","resume":{"rooms":{"r":"x"}}}"#,
            InvalidField,
            None,
            "resume.rooms.r: invalid type",
        ),
        (
            r#"{"type":"ping"} {"type":"ping"}"#,
            BadJson,
            None,
            "trailing",
        ),
    ];
    for (text, code, reference, sentence) in table {
        let (seen_code, seen_ref, seen) = refused(text);
        assert_eq!(seen_code, code, "{text}: {seen}");
        assert_eq!(seen_ref.as_deref(), reference, "{text}");
        assert!(seen.contains(sentence), "{text}: {seen}");
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let text = r#"{"type":"post","room":"r","text":"héllo 🦀","colour":"red","ref":"1"}"#;
    let inbound = frame(text.as_bytes()).expect("a good frame");
    let ClientFrame::InRoom(InRoom {
        request: RoomRequest::Post(post),
        ..
    }) = inbound.frame
    else {
        panic!("a post");
    };
    assert_eq!(&*post.text, "héllo 🦀");
    assert_eq!(post.channel.as_str(), "main");
}

#[test]
fn depth_is_counted_outside_of_strings_only() {
    let nested = |n: usize| {
        let open = "[".repeat(n);
        let close = "]".repeat(n);
        format!(r#"{{"type":"post","room":"r","text":"x","metadata":{{"a":{open}{close}}}}}"#)
    };
    assert!(frame(nested(limits::JSON_DEPTH_MAX - 2).as_bytes()).is_ok());
    assert_eq!(
        refused(&nested(limits::JSON_DEPTH_MAX - 1)).0,
        RejectCode::BadJson
    );
    let brackets = format!(r#"{{"type":"ping","x":"\"{}"}}"#, "[".repeat(1_000));
    assert!(frame(brackets.as_bytes()).is_ok());
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    let bytes = b"{\"type\":\"post\",\"room\":\"r\",\"text\":\"\xff\"}";
    assert_eq!(
        frame(bytes).expect_err("not a text").reject.code(),
        RejectCode::BadJson
    );
}
