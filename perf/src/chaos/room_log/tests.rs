use super::*;
use serde_json::json;

fn posted(seq: u64, by: usize, number: u64) -> Value {
    let text = Post { by, number }.text();
    json!({"type": "event", "room": "den", "seq": seq, "kind": "posted", "text": text})
}

#[test]
fn a_post_is_known_by_its_text() {
    for number in [0, 1, 5, 1_000] {
        let post = Post { by: 7, number };
        assert_eq!(Post::read(&post.text()), Some(post));
    }
    for text in [
        "7/1",
        "7/1 ..",
        "x",
        "7 1",
        "7/x .",
        &format!("{}.", Post { by: 1, number: 2 }.text()),
    ] {
        assert_eq!(Post::read(text), None, "{text}");
    }
}

#[test]
fn what_all_are_told_alike_is_no_flaw() {
    let mut log = RoomLog::new("den");
    let mut reader = Cursor::at(0);
    let mut own = posted(1, 7, 0);
    own["ref"] = json!("1");
    log.follow(&mut reader, &own);
    log.follow(&mut reader, &posted(2, 7, 1));
    let mut repeat = posted(1, 7, 0);
    repeat["duplicate"] = json!(true);
    assert_eq!(log.hear(&repeat), 1);
    log.place(1, &posted(1, 7, 0));
    log.must_have(Post { by: 7, number: 0 }, 1);
    log.must_have_no_more(7, 1);
    assert_eq!(log.flaws, Flaws::default());
}

#[test]
fn every_flaw_is_seen() {
    let see = |what: &dyn Fn(&mut RoomLog)| {
        let mut log = RoomLog::new("den");
        log.follow(&mut Cursor::at(0), &posted(1, 7, 0));
        log.place(1, &posted(1, 7, 0));
        what(&mut log);
        assert_eq!(log.flaws.total(), 1, "{:?}", log.flaws);
        assert_eq!(log.flaws.told.len(), 1);
        log.flaws
    };
    let post = |number| Post { by: 7, number };
    assert_eq!(see(&|log| log.must_have(post(1), 2)).lost, 1);
    assert_eq!(see(&|log| log.must_have(post(0), 2)).moved, 1);
    assert_eq!(see(&|log| log.place(2, &posted(2, 7, 0))).duplicates, 1);
    let hear = |event: Value| {
        see(&move |log| {
            log.hear(&event);
        })
    };
    assert_eq!(hear(posted(1, 7, 1)).mismatches, 1);
    assert_eq!(hear(json!({"seq": 0})).gaps, 1);
    let skip = |log: &mut RoomLog| log.follow(&mut Cursor::at(1), &posted(3, 7, 2));
    assert_eq!(see(&skip).gaps, 1);
    let stranger = json!({"kind": "posted", "text": "who?"});
    assert_eq!(see(&|log| log.place(2, &stranger)).strangers, 1);
    assert_eq!(see(&|log| log.must_have_no_more(7, 0)).strangers, 1);
}
