//! What the log never says, even when it says everything.

use serde_json::json;

use crate::support::binary::{Binary, folder};
use crate::support::ws::{handshake, upgrade, with_header};

const SECRETS: [&str; 5] = [
    "text-4711-secret",
    "metadata-4711-secret",
    "password-4711-secret",
    "topic-is-no-secret-but-reason-4711",
    "wrong-4711-secret",
];

#[cfg(unix)]
#[tokio::test]
async fn nothing_secret_is_logged() {
    let folder = folder();
    let server = Binary::start_with(folder.path(), 0, |command| {
        command.env("AGENT_BRIDGE__LOG__LEVEL", "trace");
    });
    let token = server.token("ann");
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den", "password": SECRETS[2]}))
        .await;
    let post = json!({
        "type": "post", "room": "den", "text": SECRETS[0], "metadata": {"a": SECRETS[1]},
    });
    ann.done(post).await;
    let rest = server.rest("bob");
    let me = "/v1/rooms/den/members/me";
    rest.put(me, &json!({"password": SECRETS[4]}))
        .await
        .error(403, "wrong_password", 1205);
    rest.put(me, &json!({"password": SECRETS[2]})).await.ok(200);
    let body = json!({"text": SECRETS[0], "metadata": {"a": SECRETS[1]}});
    rest.post("/v1/rooms/den/messages", &body).await.ok(201);
    ann.done(json!({"type": "remove", "room": "den", "client": "bob", "reason": SECRETS[3]}))
        .await;
    ann.refused(
        json!({"type": "post", "room": "den", "text": [SECRETS[0]]}),
        1003,
    )
    .await;
    ann.refused(
        json!({"type": "post", "room": "nil", "text": SECRETS[0]}),
        1200,
    )
    .await;
    let ticket = rest.post("/v1/tickets", &json!({})).await.ok(201);
    let ticket = ticket["ticket"].as_str().expect("a text").to_owned();
    for _ in 0..2 {
        // It opens a session, and then it does not.
        let upgrade = upgrade(server.addr, &format!("bob?ticket={ticket}"));
        let upgrade = with_header(upgrade, "sec-websocket-protocol", "agent-bridge.v1");
        drop(handshake(server.addr, upgrade).await);
    }
    let bad = crate::support::Rest::new(server.addr, Some(format!("{token}x")));
    bad.get("/v1/rooms").await.error(401, "unauthorized", 1100);
    let key = std::fs::read_to_string(folder.path().join("signing.key")).expect("the key");
    ann.close().await;
    server.terminate();
    let (code, _, log) = server.ended().await;
    assert_eq!(code, Some(0));
    assert!(
        log.contains("TRACE") && log.lines().count() > 20,
        "it says everything: {log}"
    );
    let (_, signature) = token.rsplit_once('.').expect("a JWT");
    let (_, ticket) = ticket.split_once('_').expect("a prefix");
    for secret in
        SECRETS
            .into_iter()
            .chain([token.as_str(), signature, ticket, key.trim(), "$argon2"])
    {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret:?} is in the log: {line:?}");
    }
}
