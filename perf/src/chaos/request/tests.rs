use super::*;

fn request(what: What) -> Request {
    let (by, key) = ("ann".to_owned(), "k".to_owned());
    Request { by, key, what }
}

#[test]
fn a_receipt_is_the_same_over_both_ways() {
    let create = request(What::Create {
        room: "den".to_owned(),
        topic: String::new(),
    });
    let event = json!({"kind": "room_created", "at": "T", "by": "ann", "ref": "1"});
    let room = json!({"room": "den", "created_at": "T", "created_by": "ann"});
    let told = [create.told(&event, None), create.told(&room, None)];
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], Ok(Told::Receipt(json!(["T", "ann"]), None)));
    assert!(create.told(&json!({"room": "den"}), None).is_err());
    let refused = json!({"code": "key_reused", "temporary": false});
    let word = "key_reused".to_owned();
    assert_eq!(create.told(&refused, None), Ok(Told::Refused(word, false)));
}

#[test]
fn a_misuse_has_the_key_and_another_body() {
    let all = [
        What::Post {
            room: "den".to_owned(),
            text: "x".to_owned(),
        },
        What::Join {
            room: "den".to_owned(),
            role: "coder",
        },
        What::Ack {
            id: "msg_1".to_owned(),
            reason: "x".to_owned(),
        },
    ];
    for what in all {
        let (request, other) = (request(what.clone()), request(what).misused());
        assert_eq!(request.key, other.key);
        assert_ne!(request.frame(), other.frame());
        assert_ne!(request.http().2, other.http().2);
        assert_eq!(request.http().1, other.http().1);
    }
}
