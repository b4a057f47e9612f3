//! Many members at once: all see the same, in one order, without a gap.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::TestServer;

const PUBLISHERS: u64 = 64;
const POSTS_EACH: u64 = 20;

#[tokio::test]
async fn many_publishers_and_everybody_sees_one_order() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let head = 2 + PUBLISHERS + PUBLISHERS * POSTS_EACH;
    let publisher = async |number: u64| {
        let mut ws = server.session(&format!("client-{number}")).await;
        ws.done(json!({"type": "join", "room": "den", "since": 0}))
            .await;
        for post in 0..POSTS_EACH {
            // All at once: nobody waits for an answer.
            let text = format!("{number}/{post}");
            ws.send(json!({"type": "post", "room": "den", "text": text, "ref": text}))
                .await;
        }
        ws.up_to("den", head).await;
        ws
    };
    let all = join_all((0..PUBLISHERS).map(publisher)).await;
    ann.up_to("den", head).await;
    let truth = server.rest("ann").events("den", 0).await;
    let seqs: Vec<_> = truth.iter().map(|event| event["seq"].as_u64()).collect();
    let expected: Vec<_> = (1..=head).map(Some).collect();
    assert_eq!(seqs, expected, "no gap and no double");
    assert_eq!(ann.events("den"), truth);
    let mut mismatches = 0;
    for (number, ws) in all.iter().enumerate() {
        mismatches += usize::from(ws.events("den") != truth);
        let own = ws
            .all
            .iter()
            .filter(|f| f["type"] == "event" && f["ref"].is_string());
        let own: Vec<_> = own.map(|f| (f["ref"].clone(), f["text"].clone())).collect();
        let expected: Vec<_> = (0..POSTS_EACH)
            .map(|post| json!(format!("{number}/{post}")))
            .map(|text| (text.clone(), text))
            .collect();
        assert_eq!(own, expected, "each ref once, in the order of sending");
    }
    println!("{PUBLISHERS} publishers, {head} records, mismatches: {mismatches}");
    assert_eq!(mismatches, 0);
}
