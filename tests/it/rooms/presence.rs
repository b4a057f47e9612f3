//! Who is there.

use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn members_are_told_who_comes_and_goes() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let mut bob = server.session("bob").await;
    bob.join("den").await;
    let came = ann
        .until(|f| f["type"] == "presence" && f["client"] == "bob")
        .await;
    assert_eq!(
        (&came["online"], &came["rooms"]),
        (&json!(true), &json!(["den"]))
    );
    let again = server.session("bob").await;
    bob.close().await;
    let rest = server.rest("ann");
    let shown = rest.get("/v1/rooms/den").await.ok(200);
    assert_eq!(shown["members"][1]["online"], true, "one session is left");
    again.close().await;
    let went = ann
        .until(|f| f["type"] == "presence" && f["client"] == "bob")
        .await;
    assert_eq!(
        (&went["online"], &went["rooms"]),
        (&json!(false), &json!(["den"]))
    );
    let shown = rest.get("/v1/rooms/den").await.ok(200);
    assert_eq!(shown["members"][1]["online"], false);
}
