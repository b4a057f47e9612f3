//! Decisions of a room, over real sockets.

mod adversary;
mod policy;
mod reading;
mod repeats;
mod same_commands;
mod story;

use serde_json::{Value, json};

use crate::support::{Rest, TestServer};

const DECISIONS: &str = "/v1/rooms/den/decisions";

/// A room `den` that `ann` has made, with these other members.
async fn den(server: &TestServer, others: &[&str]) -> Rest {
    let ann = server.rest("ann");
    ann.post("/v1/rooms", &json!({"room": "den"})).await.ok(201);
    for client in others {
        let me = "/v1/rooms/den/members/me";
        server.rest(client).put(me, &json!({})).await.ok(200);
    }
    ann
}

/// Puts a motion to the vote. Returns its path.
async fn propose(rest: &Rest, body: Value) -> String {
    let proposed = rest.post(DECISIONS, &body).await.ok(201);
    path_of(&proposed)
}

/// The path of a decision from its object.
fn path_of(object: &Value) -> String {
    let id = object["decision"].as_str().expect("a decision has an id");
    format!("{DECISIONS}/{id}")
}

/// Votes to approve a text. Returns the decision after it.
async fn approve(rest: &Rest, path: &str, version: u32) -> Value {
    let ballot = json!({"version": version, "choice": "approve"});
    rest.put(&format!("{path}/ballot"), &ballot).await.ok(200)
}
