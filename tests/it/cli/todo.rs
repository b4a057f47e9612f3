//! `agent-bridge todo`

use serde_json::{Value, json};

use super::run;
use crate::support::binary::{Binary, Said, folder, said};
use crate::support::program;

fn todo(server: &Binary, client: &str, more: &[&str]) -> Said {
    let mut command = server.client_command(client);
    said(
        command
            .arg("todo")
            .args(more)
            .output()
            .expect("the program can be run"),
    )
}

#[tokio::test]
async fn whether_anything_waits_is_an_exit_code() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    ann.post("/v1/rooms", &json!({"room": "den"})).await.ok(201);
    bob.put("/v1/rooms/den/members/me", &json!({}))
        .await
        .ok(200);
    let nothing = todo(&server, "bob", &[]);
    assert_eq!(
        (nothing.code, nothing.out.as_str(), nothing.err.as_str()),
        (Some(0), "", "")
    );
    let body = json!({"text": "Use\u{1b} PostgreSQL", "exclude_proposer": true});
    let proposed = ann.post("/v1/rooms/den/decisions", &body).await.ok(201);
    for more in [&[][..], &["--json"]] {
        let waits = todo(&server, "bob", more);
        assert_eq!((waits.code, waits.err.as_str()), (Some(2), ""));
        assert!(!waits.out.contains('\u{1b}'), "{:?}", waits.out);
        let lines: Vec<&str> = waits.out.lines().collect();
        assert_eq!(lines.len(), 1, "one object a line");
        let item: Value = serde_json::from_str(lines[0]).expect("JSON");
        assert_eq!(
            (&item["kind"], &item["decision"], &item["text"]),
            (&json!("vote"), &proposed["decision"], &body["text"])
        );
    }
    assert_eq!(todo(&server, "ann", &[]).code, Some(0));
}

/// None of it is taken for "something waits".
#[tokio::test]
async fn what_cannot_be_told_has_a_code_of_its_own() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let wrong = todo(&server, "bob", &["--nonsense"]);
    assert_eq!(wrong.code, Some(3), "{}", wrong.err);
    let mut stranger = program();
    stranger.env("BRIDGE_URL", format!("http://{}", server.addr));
    let stranger = run(stranger.arg("todo"));
    assert_eq!(stranger.code, Some(3), "{}", stranger.err);
    assert!(stranger.err.contains("BRIDGE_TOKEN"), "{}", stranger.err);
    let mut limited = server.client_command("bob");
    limited.env("BRIDGE_TOKEN", server.token_for("bob", "metrics"));
    let limited = run(limited.args(["todo", "--json"]));
    assert_eq!(limited.code, Some(3), "{}", limited.err);
    let error: Value = serde_json::from_str(&limited.err).expect("JSON");
    assert_eq!(
        (&error["exit"], &error["error"]["code"]),
        (&json!(3), &json!("scope_missing"))
    );
    let help = todo(&server, "bob", &["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.out.contains("2 something does"), "{}", help.out);
}
