use super::*;

const STAMP: Stamp = Stamp {
    number: 7,
    after: 5,
    due: u64::MAX,
};

#[test]
fn a_message_is_json_with_a_text_of_the_wanted_length() {
    let mut out = b"left over".to_vec();
    frame(&mut out, "bob", "ann-7", STAMP, 300);
    for json in [out, body("bob", STAMP, 300)] {
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        let text = json["text"].as_str().expect("a text");
        assert_eq!((text.len(), stamp(text)), (300, Some(STAMP)));
        assert_eq!(json["to"], "bob");
        if json["type"] == "send" {
            assert_eq!((&json["key"], &json["ref"]), (&"ann-7".into(), &"7".into()));
        }
    }
    assert_eq!(stamp("hello"), None);
}

#[test]
fn frames_are_told_apart() {
    let message = br#"{"type":"message","id":"msg_1","seq":4,"from":"ann","to":["bob"],
        "text":"7 5 9 xxx","kind":"message","attempt":1}"#;
    let expected = Message {
        id: "msg_1",
        from: "ann",
        text: "7 5 9 xxx",
        attempt: Some(1),
    };
    assert_eq!(read(message), Ok(Incoming::Message(expected)));
    let stored = br#"{"type":"stored","ref":"7","id":"msg_1","at":"x","duplicate":true}"#;
    let expected = Stored {
        reference: Some("7"),
        duplicate: true,
    };
    assert_eq!(read(stored), Ok(Incoming::Stored(expected)));
    for (stage, expected) in [("done", Incoming::Done), ("delivered", Incoming::Other)] {
        let receipt = format!(r#"{{"type":"receipt","id":"msg_1","stage":"{stage}"}}"#);
        assert_eq!(read(receipt.as_bytes()), Ok(expected));
    }
    let bye = br#"{"type":"bye","code":4002,"reason":"slow","reconnect":true}"#;
    assert_eq!(read(bye), Ok(Incoming::Bye("bye 4002: slow".into())));
    assert_eq!(read(br#"{"type":"presence"}"#), Ok(Incoming::Other));
    assert!(read(b"nonsense").is_err());
    assert!(read(br#"{"type":"message"}"#).is_err());
}

#[test]
fn an_answer_is_a_verdict() {
    let stored = br#"{"id":"msg_1","at":"x","duplicate":false}"#;
    let expected = Verdict::Stored { duplicate: false };
    assert_eq!(verdict(201, stored), Ok(expected));
    let refused = br#"{"error":{"code":"busy","number":1601,"retry_after_ms":200}}"#;
    let Ok(Verdict::Refused(why)) = verdict(503, refused) else {
        panic!("it was refused");
    };
    assert_eq!((why.code.as_str(), why.retry_after_ms), ("busy", Some(200)));
    let why = verdict(502, b"<html>").expect_err("not ours");
    assert!(why.starts_with("502: "), "{why}");
    assert!(verdict(201, b"{}").is_err());
}

#[test]
fn a_confirmation_is_json() {
    let mut out = b"left over".to_vec();
    confirmation(&mut out, "msg_1");
    let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(
        (&json["id"], &json["stage"]),
        (&"msg_1".into(), &"done".into())
    );
}
