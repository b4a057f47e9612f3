//! `agent-bridge admin log-level`: what is logged, while the server runs.

use serde_json::json;

use crate::support::binary::{Binary, folder, said};
use crate::support::{Rest, TestServer, program};

#[cfg(unix)]
#[tokio::test]
async fn what_is_logged_changes_while_the_server_runs() {
    let folder = folder();
    let server = Binary::start_with(folder.path(), 0, |command| {
        command.env("AGENT_BRIDGE__LOG__LEVEL", "warn");
    });
    let root = Rest::new(server.addr, Some(server.token_for("root", "admin")));
    let path = "/v1/admin/log-level";
    let shown = root.get(path).await.ok(200);
    assert_eq!(shown, json!({"level": "warn"}));
    for (bad, word) in [
        (json!(""), "empty"),
        (json!("  "), "empty"),
        (json!("loud"), "is no level"),
        (json!("info,debg"), "is no level"),
        (json!("info,=x=y="), "level"),
        (json!("x".repeat(2_000)), "1024 bytes"),
        (json!(7), "level"),
        (json!(null), "level"),
    ] {
        let refused = root.put(path, &json!({"level": bad})).await;
        assert_eq!(refused.status, 400, "{bad}: {}", refused.text);
        assert!(refused.text.contains(word), "{bad}: {}", refused.text);
    }
    let changed = root.put(path, &json!({"level": "debug"})).await.ok(200);
    assert_eq!(changed, json!({"level": "debug", "before": "warn"}));
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    ann.close().await;
    let command = |args: &[&str]| {
        let mut command = program();
        command
            .args([
                "admin",
                "log-level",
                "--url",
                &format!("http://{}", server.addr),
            ])
            .args(args)
            .env("BRIDGE_TOKEN", server.token_for("root", "admin"));
        said(command.output().expect("the program can be run"))
    };
    assert_eq!(command(&[]).out, "debug\n");
    assert_eq!(command(&["off"]).out, "off (it was debug)\n");
    let mut bob = server.session("bob").await;
    bob.create(json!({"room": "quiet"})).await;
    bob.close().await;
    server.terminate();
    let (code, _, log) = server.ended().await;
    assert_eq!(code, Some(0));
    assert!(log.contains("what is logged changes"), "{log}");
    assert!(
        log.contains(" DEBUG ") || log.contains("\"DEBUG\""),
        "{log}"
    );
    assert!(!log.contains("stopped"), "it was silenced: {log}");
}

#[tokio::test]
async fn what_is_logged_is_for_administrators() {
    let server = TestServer::start();
    for (scope, status) in [("message room metrics", 403), ("admin", 200)] {
        let rest = server.rest_with("ann", scope);
        assert_eq!(rest.get("/v1/admin/log-level").await.status, status);
    }
    let body = json!({"level": "trace"});
    let rest = server.rest_with("ann", "message room");
    assert_eq!(rest.put("/v1/admin/log-level", &body).await.status, 403);
}
