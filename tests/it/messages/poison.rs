//! A message that kills its reader, again and again.

use serde_json::json;

use super::mail::{NOTHING, ack, ended, known, message, say, steps};
use crate::support::TestServer;

/// What it was handed over with has done nothing, and does not die with it.
#[tokio::test]
async fn a_message_that_kills_its_reader_takes_no_others_with_it() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let ann = server.rest("ann");
    let poison = say(&ann, "bob", "poison").await;
    let mut others = Vec::new();
    for text in ["one", "two"] {
        others.push(say(&ann, "bob", text).await);
    }
    // Two accidents may happen to anybody; the second one after a pause.
    for attempt in 1..=2 {
        let mut bob = server.session("bob").await;
        for id in [&poison, &others[0], &others[1]] {
            assert_eq!(message(&mut bob, id).await["attempt"], attempt);
        }
    }
    // Whatever is new does not wait.
    let new = say(&ann, "bob", "new").await;
    let mut bob = server.session("bob").await;
    message(&mut bob, &new).await;
    assert_eq!(message(&mut bob, &poison).await["attempt"], 3);
    ack(&mut bob, &new, "done").await;
    assert_eq!(bob.settled().await, NOTHING, "it is alone");
    drop(bob);
    // And now each of the others.
    let mut bob = server.session("bob").await;
    for id in &others {
        assert_eq!(message(&mut bob, id).await["attempt"], 3);
        assert_eq!(bob.settled().await, NOTHING);
        ack(&mut bob, id, "done").await;
    }
    for id in &others {
        let shown = ended(&ann, id).await;
        let wanted = [
            "stored",
            "delivered 1 session",
            "returned 1 connection_lost",
        ];
        assert_eq!(steps(&shown)[..3], wanted);
        assert_eq!(shown["recipients"][0]["stage"], json!("done"));
    }
}
