//! Who finds a room, and who gets in.

use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn a_private_room_is_unknown_to_strangers() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den", "password": "x", "policy": {"visibility": "private"}}))
        .await;
    let requests = |room: &str| {
        [
            json!({"type": "join", "room": room}),
            json!({"type": "join", "room": room, "password": "x"}),
            json!({"type": "leave", "room": room}),
            json!({"type": "post", "room": room, "text": "x"}),
            json!({"type": "grant", "room": room, "client": "bob", "role": "coder"}),
            json!({"type": "remove", "room": room, "client": "ann"}),
            json!({"type": "create_channel", "room": room, "name": "x"}),
        ]
    };
    for (hidden, missing) in requests("den").into_iter().zip(requests("nil")) {
        let mut hidden = bob.refused(hidden, 1200).await;
        let missing = bob.refused(missing, 1200).await;
        // To the letter, but for the name and the ref.
        let text = hidden["message"]
            .as_str()
            .expect("a sentence")
            .replace("den", "nil");
        hidden["message"] = json!(text);
        hidden["ref"] = missing["ref"].clone();
        assert_eq!(hidden, missing);
    }
    let rest = server.rest("bob");
    for path in ["", "/messages", "/events", "/channels"] {
        let reply = rest.get(&format!("/v1/rooms/den{path}")).await;
        reply.error(404, "room_not_found", 1200);
    }
    assert_eq!(rest.get("/v1/rooms").await.ok(200)["items"], json!([]));

    ann.done(json!({"type": "grant", "room": "den", "client": "bob", "role": "tester"}))
        .await;
    let listed = rest.get("/v1/rooms").await.ok(200);
    assert_eq!(listed["items"][0]["room"], "den", "the invitation shows it");
    bob.join("den").await;
    let told = ann.event("member_joined").await;
    assert_eq!(
        (&told["client"], &told["role"]),
        (&json!("bob"), &json!("tester"))
    );
}

#[tokio::test]
async fn a_listed_room_wants_its_password() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let password = "öffne dich 🗝";
    ann.create(json!({"room": "den", "password": password}))
        .await;
    let shown = server.rest("bob").get("/v1/rooms/den").await.ok(200);
    assert_eq!(
        shown["policy"]["visibility"], "listed",
        "a password makes it so"
    );
    assert_eq!(shown["has_password"], true);
    let join = |password: Option<&str>| {
        let mut frame = json!({"type": "join", "room": "den"});
        if let Some(password) = password {
            frame["password"] = json!(password);
        }
        frame
    };
    for wrong in [None, Some("offne dich"), Some("öffne dich 🗝 ")] {
        let refusal = bob.refused(join(wrong), 1205).await;
        assert_eq!(refusal["code"], "wrong_password");
    }
    bob.refused(join(Some("")), 1003).await;
    let put = server
        .rest("bob")
        .put("/v1/rooms/den/members/me", &json!({"password": "no"}))
        .await;
    put.error(403, "wrong_password", 1205);
    bob.done(join(Some(password))).await;
    assert_eq!(
        ann.event("member_joined").await["seq"],
        3,
        "refusals leave no trace"
    );
    // A grant opens it without the password, and without a grant there is no other way.
    ann.done(json!({"type": "grant", "room": "den", "client": "cem", "role": "coder"}))
        .await;
    server.session("cem").await.done(join(None)).await;
    ann.create(json!({"room": "club", "policy": {"visibility": "listed"}}))
        .await;
    bob.refused(json!({"type": "join", "room": "club"}), 1101)
        .await;
}

#[tokio::test]
async fn a_closed_room_takes_nothing_but_goodbyes() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    bob.join("den").await;
    let rest = server.rest("bob");
    rest.delete("/v1/rooms/den")
        .await
        .error(403, "forbidden", 1101);
    server.rest("ann").delete("/v1/rooms/den").await.ok(200);
    assert_eq!(bob.event("room_closed").await["seq"], 4);
    for frame in [
        json!({"type": "post", "room": "den", "text": "x"}),
        json!({"type": "create_channel", "room": "den", "name": "x"}),
        json!({"type": "grant", "room": "den", "client": "bob", "role": "coder"}),
    ] {
        ann.refused(frame, 1202).await;
    }
    server
        .session("cem")
        .await
        .refused(json!({"type": "join", "room": "den"}), 1202)
        .await;
    assert_eq!(rest.events("den", 0).await.len(), 4, "its history stays");
    bob.done(json!({"type": "leave", "room": "den"})).await;
}

#[tokio::test]
async fn a_stranger_cannot_act_in_an_open_room() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    for frame in [
        json!({"type": "post", "room": "den", "text": "x"}),
        json!({"type": "leave", "room": "den"}),
        json!({"type": "remove", "room": "den", "client": "ann"}),
    ] {
        let refusal = bob.refused(frame, 1201).await;
        assert_eq!(refusal["code"], "not_a_member");
    }
    assert!(ann.settled().await.is_empty());
    bob.join("den").await;
    bob.refused(json!({"type": "join", "room": "den"}), 1203)
        .await;
}

#[tokio::test]
async fn a_token_may_be_limited_to_a_room() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    ann.create(json!({"room": "attic"})).await;
    let token = server.token_with("bob", "room:den");
    let mut bob = crate::support::Ws::open(server.addr, "bob", &token).await;
    bob.hello().await;
    bob.join("DEN").await;
    let refusal = bob
        .refused(json!({"type": "join", "room": "attic"}), 1102)
        .await;
    assert_eq!(refusal["code"], "scope_missing");
    bob.refused(json!({"type": "create_room", "room": "loft"}), 1102)
        .await;
    // What the client joins with a better token does not reach a session with a lesser one.
    let rest = server.rest("bob");
    rest.put("/v1/rooms/attic/members/me", &json!({}))
        .await
        .ok(200);
    ann.post("attic", "secret").await;
    ann.post("den", "open").await;
    assert_eq!(bob.event("posted").await["room"], "den");
    assert!(bob.settled().await.is_empty());
    let mut none =
        crate::support::Ws::open(server.addr, "cem", &server.token_with("cem", "message")).await;
    none.hello().await;
    none.refused(json!({"type": "join", "room": "den"}), 1102)
        .await;
}
