//! How many connections there may be.

use std::time::Duration;

use serde_json::json;

use super::until_open;
use crate::support::raw::Raw;
use crate::support::wait::for_a_while;
use crate::support::{Rest, TestServer, within};

const SETTINGS: &str = "[sessions]\ntotal = 2\nevent_streams = 1\n";
/// With those of sessions and streams eight, four for each thread.
const SPARE: usize = 5;

/// Beyond the bound they wait, and come in their turn.
#[tokio::test]
async fn connections_beyond_the_bound_wait_until_others_go() {
    let server = TestServer::tuned(SETTINGS, |tuning| {
        tuning.connections_spare = SPARE;
        tuning.request_head = Duration::from_secs(600);
    });
    let mut ann = server.session("ann").await;
    until_open(&server, 1).await;
    let mut idle = Vec::new();
    for _ in 0..7 {
        idle.push(Raw::connect(server.addr).await);
    }
    let rest = Rest::new(server.addr, None);
    let asking = rest.get("/health");
    tokio::pin!(asking);
    tokio::select! {
        _ = &mut asking => panic!("there was room for one more"),
        () = for_a_while(Duration::from_millis(500)) => {}
    }
    // Those who are in do not notice.
    ann.create(json!({"room": "den"})).await;
    drop(idle.pop());
    let reply = within("its turn", asking).await;
    reply.ok(200);
    drop(idle);
    until_open(&server, 1).await;
}

#[cfg(unix)]
#[test]
fn a_bound_on_files_that_is_too_low_is_raised_or_said() {
    use crate::support::binary::{Binary, folder};

    let folder = folder();
    // What a shell allows is inherited; the program raises the soft one to the hard one.
    let limited = |limits: &str, sessions: &str| {
        let program = env!("CARGO_BIN_EXE_agent-bridge");
        let script = format!("{limits}; exec {program} \"$@\"");
        let server = Binary::start_by(
            std::process::Command::new("sh").args(["-c", &script, "sh"]),
            folder.path(),
            0,
            |command| {
                command.env("AGENT_BRIDGE__SESSIONS__TOTAL", sessions);
            },
        );
        let of_process = std::fs::read_to_string(format!("/proc/{}/limits", server.id()));
        let said = server.kill_and_hear();
        (of_process.unwrap_or_default(), said)
    };
    let (limits, said) = limited("ulimit -Sn 300", "100");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = files.and_then(|line| line.split_whitespace().nth(3));
    assert_ne!(soft, Some("300"), "{files:?}");
    assert!(!said.contains("fewer files"), "{said}");
    let (_, said) = limited("ulimit -n 700", "100");
    assert!(said.contains("fewer files may be open"), "{said}");
    assert!(said.contains("700") && said.contains("1864"), "{said}");
}
