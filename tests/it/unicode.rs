//! Every script, everywhere where people write.

use serde_json::{Value, json};

use crate::support::TestServer;

/// What is easily broken: composed and decomposed, right to left, joined emoji, beyond the basic
/// plane, invisible characters, line ends, and what JSON and SQL escape.
const TEXTS: &[&str] = &[
    "日本語のテキスト、中文，한국어",
    "العربية من اليمين إلى اليسار",
    "עברית עם \u{200f}סימנים\u{200e}",
    "हिन्दी क्षत्रिय ज्ञान",
    "ไทยไม่มีช่องว่าง",
    "Ελληνικά, Русский, Հայերեն, ქართული",
    "é (composed) é (decomposed) ﬁ ǅ ẞ",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 #️⃣",
    "𐍈𠜎𝄞 beyond the basic plane",
    "zero\u{200b}width\u{200d}joiner\u{feff}",
    "line\nbreak\r\n\ttab \u{85}\u{2028}\u{2029}",
    "quotes \" ' ` back\\slash /slash </script> ${x} %s {}",
    "'; DROP TABLE log; --",
    "\u{7f}\u{80}\u{fffd}\u{10ffff}\u{e000}",
    "Z\u{334}\u{321}a\u{337}l\u{335}g\u{336}o\u{338}",
    "İstanbul ı I i ß SS",
];

#[tokio::test]
async fn texts_topics_and_metadata_come_back_as_they_were_sent() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    bob.join("den").await;
    ann.event("member_joined").await;
    for text in TEXTS {
        let metadata = json!({*text: [text, {"deep": text}]});
        let frame = json!({"type": "post", "room": "den", "text": text, "metadata": metadata});
        let posted = ann.done(frame).await;
        let told = bob.event("posted").await;
        for event in [&posted, &told] {
            assert_eq!(
                (&event["text"], &event["metadata"]),
                (&json!(text), &metadata)
            );
        }
    }
    let stored = |server: &TestServer| {
        let rest = server.rest("ann");
        async move {
            let page = rest.get("/v1/rooms/den/messages?limit=500").await.ok(200);
            let items = page["items"].as_array().expect("a list").clone();
            items
                .iter()
                .map(|item| item["text"].clone())
                .collect::<Vec<Value>>()
        }
    };
    let expected: Vec<_> = TEXTS.iter().map(|text| json!(text)).collect();
    assert_eq!(stored(&server).await, expected);
    drop((ann, bob));
    let server = server.restart();
    assert_eq!(stored(&server).await, expected);
}

#[tokio::test]
async fn topics_channels_and_reasons_come_back_as_they_were_sent() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    let mut channels = vec!["main".to_owned()];
    rest.post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    for (number, text) in TEXTS.iter().enumerate() {
        let room = format!("room-{number}");
        let created = rest
            .post("/v1/rooms", &json!({"room": room, "topic": text}))
            .await
            .ok(201);
        assert_eq!(created["topic"], *text);
        let closed = rest
            .ask(
                reqwest::Method::DELETE,
                &format!("/v1/rooms/{room}"),
                Some(&json!({"reason": text})),
            )
            .await
            .ok(200);
        assert_eq!(closed["reason"], *text);
        let shown = rest.get(&format!("/v1/rooms/{room}")).await.ok(200);
        assert_eq!(shown["topic"], *text);
        if text.chars().any(char::is_control) || text.trim() != *text {
            continue;
        }
        let channel = json!({"name": text, "topic": text});
        let made = rest.post("/v1/rooms/den/channels", &channel).await.ok(201);
        assert_eq!(
            (&made["channel"], &made["topic"]),
            (&json!(text), &json!(text))
        );
        let post = json!({"text": "x", "channel": text});
        let posted = rest.post("/v1/rooms/den/messages", &post).await.ok(201);
        assert_eq!(posted["channel"], *text);
        channels.push((*text).to_owned());
    }
    let listed = rest.get("/v1/rooms/den/channels").await.ok(200);
    let names = listed["items"].as_array().expect("a list").iter();
    let mut names: Vec<_> = names.map(|c| c["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    channels.sort_unstable();
    assert_eq!(names, channels);
    for channel in &channels[1..] {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("channel", channel)
            .finish();
        let page = rest
            .get(&format!("/v1/rooms/den/messages?{query}"))
            .await
            .ok(200);
        let found = page["items"].as_array().expect("a list").len();
        assert_eq!(found, usize::from(channel != "main"), "{channel}");
    }
}

#[tokio::test]
async fn passwords_are_compared_byte_by_byte() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    for (number, text) in TEXTS.iter().enumerate() {
        let room = format!("room-{number}");
        rest.post("/v1/rooms", &json!({"room": room, "password": text}))
            .await
            .ok(201);
        let path = format!("/v1/rooms/{room}/members/me");
        let other = TEXTS[(number + 1) % TEXTS.len()];
        let bob = server.rest("bob");
        bob.put(&path, &json!({"password": other}))
            .await
            .error(403, "wrong_password", 1205);
        bob.put(&path, &json!({"password": text})).await.ok(200);
    }
}
