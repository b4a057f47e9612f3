//! A mailbox that is full.

use serde_json::json;

use super::mail::{known, list, silent, take, take_after, waiting};
use crate::support::TestServer;

/// How many a mailbox holds, as the protocol says.
const OPEN_MAX: usize = 10_000;
const AT_ONCE: usize = 250;

#[tokio::test]
async fn a_full_mailbox_takes_nothing_until_something_is_confirmed() {
    let server = TestServer::start();
    known(&server, &["bob", "cem"]).await;
    let mut ann = silent(&server, "ann").await;
    let to_bob = json!({"type": "send", "to": "bob", "text": "x"});
    for _ in 0..OPEN_MAX / AT_ONCE {
        for _ in 0..AT_ONCE {
            ann.send(to_bob.clone()).await;
        }
        for _ in 0..AT_ONCE {
            ann.expect("stored").await;
        }
    }
    let refused = ann.refused(to_bob.clone(), 1301).await;
    assert_eq!(refused["temporary"], true);
    let to_both = json!({"type": "send", "to": ["cem", "bob"], "text": "x"});
    ann.refused(to_both, 1301).await;
    assert_eq!(
        waiting(&server.rest("cem")).await,
        [0; 0],
        "for all or for none"
    );
    let body = json!({"to": "bob", "text": "x"});
    let answer = server.rest("ann").post("/v1/messages", &body).await;
    answer.error(503, "mailbox_full", 1301);
    // What was handed over still counts, what was seen does not.
    let bob = server.rest("bob");
    let page = take(&bob, "limit=2").await;
    ann.refused(to_bob.clone(), 1301).await;
    let next = take_after(&bob, &page, "limit=1").await;
    assert_eq!(list(&next["items"]).len(), 1);
    ann.done(to_bob.clone()).await;
    ann.done(to_bob.clone()).await;
    ann.refused(to_bob, 1301).await;
}
