//! A disk that fails. The system is told to fail every write past a certain size of a file, which is
//! to the server what a broken disk is.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::Binary;
use crate::support::binary::{folder, program};

/// So many blocks (of half or one KiB) a file may have: a few hundred posts.
const BLOCKS_MAX: u32 = 2_048;
const POSTS_MAX: usize = 2_000;

/// The same program, in a shell that sets the bound and lets writes fail instead of ending it.
fn on_a_bad_disk(folder: &Path) -> Binary {
    let script = format!("trap '' XFSZ; ulimit -f {BLOCKS_MAX}; exec \"$@\"");
    Binary::start_with(folder, 0, |command| {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script, "sh"])
            .arg(program().get_program())
            .args(command.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        *command = shell;
    })
}

/// Nothing is acknowledged that is not there, it is not tried again, and the process ends and says
/// why. The next start has everything.
#[tokio::test]
async fn a_write_that_fails_ends_the_server_and_loses_nothing_acknowledged() {
    let folder = folder();
    let server = on_a_bad_disk(folder.path());
    let ann = server.rest("ann");
    ann.post("/v1/rooms", &json!({"room": "den"})).await.ok(201);
    let mut acknowledged = Vec::new();
    let text = |number: usize| format!("{number} {}", "x".repeat(9_000));
    let refusal = loop {
        let number = acknowledged.len();
        assert!(number < POSTS_MAX, "the disk never fails");
        let body = json!({"text": text(number)});
        let reply = ann.post("/v1/rooms/den/messages", &body).await;
        match reply.status {
            201 => acknowledged.push(reply.json()["seq"].as_u64().expect("a position")),
            _ => break reply.json(),
        }
    };
    assert_eq!(refusal["error"]["code"], "outcome_unknown", "{refusal}");
    let (code, _, said) = server.ended().await;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("the log cannot be written any more"),
        "{said}"
    );
    assert!(acknowledged.len() > 10, "{acknowledged:?}");

    let server = Binary::start(folder.path(), 0);
    let ann = server.rest("ann");
    let events = ann.events("den", 0).await;
    // Behind the room and its first member.
    let posted = &events[2..];
    let more = posted.len() - acknowledged.len();
    assert!(
        more <= 1,
        "{more} that nobody was told of; one was in doubt"
    );
    for (number, seq) in acknowledged.iter().enumerate() {
        assert_eq!(posted[number]["seq"], *seq);
        assert_eq!(posted[number]["text"], text(number));
    }
    ann.post("/v1/rooms/den/messages", &json!({"text": "on"}))
        .await
        .ok(201);
}
