//! What tests of messages say and look at again and again.

use agent_bridge::wire::time;
use serde_json::{Value, json};

use crate::support::{Rest, TestServer, Ws, within};

/// What somebody is told, or has, when that is nothing.
pub(super) const NOTHING: [Value; 0] = [];

/// Makes clients known, without a session and without taking anything.
pub(super) async fn known(server: &TestServer, clients: &[&str]) {
    for client in clients {
        waiting(&server.rest(client)).await;
    }
}

/// Sends over REST. Returns the message's id.
pub(super) async fn send(from: &Rest, body: Value) -> String {
    id_of(&from.post("/v1/messages", &body).await.ok(201))
}

/// Sends a text to somebody.
pub(super) async fn say(from: &Rest, to: &str, text: &str) -> String {
    send(from, json!({"to": to, "text": text})).await
}

/// The `id` of an answer or a frame.
pub(super) fn id_of(value: &Value) -> String {
    let id = value["id"].as_str();
    id.unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

/// A session that takes no messages, and so can send without taking part.
pub(super) async fn silent(server: &TestServer, client: &str) -> Ws {
    let mut ws = server.open(client).await;
    ws.send(json!({"type": "hello", "messages": false})).await;
    ws.expect("welcome").await;
    ws
}

/// The next frame, which is this message.
pub(super) async fn message(ws: &mut Ws, id: &str) -> Value {
    let frame = ws.expect("message").await;
    assert_eq!(frame["id"], id, "{frame}");
    frame
}

/// Says over a session how far one has come.
pub(super) async fn ack(ws: &mut Ws, id: &str, stage: &str) -> Value {
    let stored = ws
        .done(json!({"type": "ack", "id": id, "stage": stage}))
        .await;
    assert_eq!(
        (&stored["type"], &stored["id"]),
        (&json!("stored"), &json!(id))
    );
    stored
}

/// The next frame, which is this receipt. `reason` is `-` when it has none.
pub(super) async fn receipt(ws: &mut Ws, id: &str, stage: &str, by: &str, reason: &str) -> Value {
    let frame = ws.expect("receipt").await;
    assert_eq!(told(&frame), told_of(id, stage, by, reason), "{frame}");
    frame
}

/// What a receipt says, but for its time.
pub(super) fn told(receipt: &Value) -> Value {
    let time = receipt["at"].as_str().and_then(time::from_text);
    assert!(time.is_some(), "a receipt has its time: {receipt}");
    let mut told = json!({});
    for field in ["id", "stage", "by", "reason"] {
        told[field] = receipt[field].clone();
    }
    told
}

/// What a receipt should say.
pub(super) fn told_of(id: &str, stage: &str, by: &str, reason: &str) -> Value {
    let reason = (reason != "-").then_some(reason);
    json!({"id": id, "stage": stage, "by": by, "reason": reason})
}

/// A message with its stages, as one of those whom it concerns sees it.
pub(super) async fn history(rest: &Rest, id: &str) -> Value {
    rest.get(&format!("/v1/messages/{id}")).await.ok(200)
}

/// The same, when it has ended with everybody.
pub(super) async fn ended(rest: &Rest, id: &str) -> Value {
    let shown = rest
        .get(&format!("/v1/messages/{id}?wait=19"))
        .await
        .ok(200);
    for recipient in list(&shown["recipients"]) {
        let stage = recipient["stage"].as_str();
        let is_over = matches!(stage, Some("done" | "expired" | "dead"));
        assert!(is_over, "it has not ended: {shown}");
    }
    shown
}

/// The steps of a message with its only recipient that is shown, each in a few words: the stage,
/// the attempt, how, why.
pub(super) fn steps(shown: &Value) -> Vec<String> {
    let recipients = list(&shown["recipients"]);
    assert_eq!(recipients.len(), 1, "{shown}");
    steps_of(&recipients[0])
}

/// The same with one of several recipients.
pub(super) fn steps_of(recipient: &Value) -> Vec<String> {
    let steps = list(&recipient["history"]).iter().map(|step| {
        let word = |field: &str| match &step[field] {
            Value::String(word) => Some(word.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let fields = ["stage", "attempt", "via", "reason", "detail"];
        let words: Vec<String> = fields.iter().filter_map(|field| word(field)).collect();
        words.join(" ")
    });
    steps.collect()
}

/// What waits in a mailbox; nothing is taken.
pub(super) async fn waiting(rest: &Rest) -> Vec<Value> {
    let page = rest.get("/v1/mailbox?peek=true&limit=500").await.ok(200);
    assert_eq!(
        (&page["next"], &page["complete"]),
        (&json!(null), &json!(true))
    );
    list(&page["items"]).to_vec()
}

/// A call of the mailbox.
pub(super) async fn take(rest: &Rest, query: &str) -> Value {
    rest.get(&format!("/v1/mailbox?{query}")).await.ok(200)
}

/// A call that confirms an earlier answer.
pub(super) async fn take_after(rest: &Rest, page: &Value, query: &str) -> Value {
    let next = page["next"].as_str();
    let next = next.unwrap_or_else(|| panic!("nothing to confirm in {page}"));
    take(rest, &format!("after={next}&{query}")).await
}

/// The texts of messages, in their order.
pub(super) fn texts(messages: &Value) -> Vec<&str> {
    let texts = list(messages)
        .iter()
        .map(|message| message["text"].as_str());
    texts.map(|text| text.expect("a text")).collect()
}

pub(super) fn list(value: &Value) -> &[Value] {
    let list = value.as_array();
    list.unwrap_or_else(|| panic!("{value} is no list"))
}

/// Looks again and again, until what is looked for is there. For what nobody is told of.
pub(super) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    within(what, looking).await
}

/// Waits until a message has come so far with its only recipient.
pub(super) async fn until_stage(rest: &Rest, id: &str, stage: &str) -> Value {
    until(&format!("{id} to be {stage}"), async || {
        let shown = history(rest, id).await;
        (shown["recipients"][0]["stage"] == stage).then_some(shown)
    })
    .await
}

/// How many milliseconds a time of the protocol is after another.
pub(super) fn millis_between(from: &Value, to: &Value) -> i64 {
    let read = |value: &Value| {
        let time = value.as_str().and_then(time::from_text);
        time.unwrap_or_else(|| panic!("{value} is no time"))
    };
    read(to).millis_since(read(from))
}
