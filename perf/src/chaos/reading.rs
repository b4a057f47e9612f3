//! What a server has, read over REST.

use std::collections::BTreeMap;

use agent_bridge::client::RestClient;
use serde_json::Value;

/// Records of one page.
const PAGE: usize = 500;

/// The posts of a room's log: the id and the text of each, by its seq.
pub(super) async fn posts(
    rest: &RestClient,
    room: &str,
) -> Result<BTreeMap<u64, (String, String)>, String> {
    let mut posts = BTreeMap::new();
    let mut after = 0;
    loop {
        let query = [("after", after.to_string()), ("limit", PAGE.to_string())];
        let page = rest.get(&["v1", "rooms", room, "events"], &query).await;
        let page = page.map_err(|why| format!("reading {room}: {why}"))?;
        let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        for event in items {
            let seq = event["seq"].as_u64().unwrap_or_default();
            if seq != after + 1 {
                return Err(format!("{room}: after {after} comes {seq}"));
            }
            after = seq;
            if event["kind"] == "posted" {
                posts.insert(seq, (text(&event["id"]), text(&event["text"])));
            }
        }
        if items.is_empty() {
            return Ok(posts);
        }
    }
}

/// The operator's figures.
pub(super) async fn stats(operator: &RestClient) -> Result<Value, String> {
    let stats = operator.get(&["v1", "admin", "stats"], &[]).await;
    stats.map_err(|why| format!("the server's statistics: {why}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
