//! The database goes away and comes back, under a server that stays.

use private_postgres::{Cluster, Durability};
use reqwest::Method;
use serde_json::json;
use tokio::time::{Duration, interval};

use crate::support::wait::{PATIENCE, for_a_while};
use crate::support::{Binary, Rest, within};

struct Running {
    cluster: Cluster,
    server: Binary,
    _folder: tempfile::TempDir,
}

fn start() -> Running {
    let place = std::env::temp_dir();
    let cluster = Cluster::start(&place, Durability::Fast).expect("a PostgreSQL server");
    let url = cluster.database().expect("a database");
    let folder = crate::support::binary::folder();
    let server = Binary::start_with(folder.path(), 0, |command| {
        command.env("AGENT_BRIDGE__DATABASE__URL", url);
    });
    Running {
        cluster,
        server,
        _folder: folder,
    }
}

/// Until `/ready` says this.
async fn until_ready(server: &Binary, is_ready: bool) -> serde_json::Value {
    let anybody = Rest::new(server.addr, None);
    let looking = async {
        let mut poll = interval(Duration::from_millis(50));
        loop {
            poll.tick().await;
            let ready = anybody.get("/ready").await;
            if (ready.status == 200) == is_ready {
                return serde_json::from_str(&ready.text).expect("JSON");
            }
        }
    };
    within("a change of /ready", looking).await
}

#[tokio::test]
async fn the_server_gets_over_a_restart_of_the_database() {
    let Running {
        mut cluster,
        server,
        _folder,
    } = start();
    let ann = server.rest("ann");
    ann.post("/v1/rooms", &json!({"room": "den"})).await.ok(201);
    let post = json!({"text": "before"});
    ann.post("/v1/rooms/den/messages", &post).await.ok(201);
    cluster.crash().expect("it ends");
    let told = until_ready(&server, false).await;
    assert_ne!(told["dependencies"]["database"], "ok", "{told}");
    let refused = ann
        .keyed(
            Method::POST,
            "/v1/rooms/den/messages",
            Some(&json!({"text": "during"})),
            "k",
        )
        .await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(
        refused.text.contains("\"temporary\":true"),
        "{}",
        refused.text
    );
    cluster.go().expect("it starts again");
    until_ready(&server, true).await;
    let post = json!({"text": "during"});
    ann.keyed(Method::POST, "/v1/rooms/den/messages", Some(&post), "k")
        .await
        .ok(201);
    let texts: Vec<_> = ann
        .events("den", 0)
        .await
        .iter()
        .filter_map(|event| event["text"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(texts, ["before", "during"]);
}

/// Neither its writer nor those who read are waited for, who hang in the database.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_whose_database_hangs_can_be_stopped() {
    let Running {
        cluster,
        server,
        _folder,
    } = start();
    let ann = server.rest("ann");
    ann.post("/v1/rooms", &json!({"room": "den"})).await.ok(201);
    cluster.freeze(true).expect("its processes are there");
    let waiting = [
        ann.request(Method::GET, "/v1/rooms/den/messages"),
        ann.request(Method::POST, "/v1/rooms/den/messages")
            .json(&json!({"text": "x"})),
    ];
    let waiting: Vec<_> = waiting
        .into_iter()
        .map(|request| {
            let ann = ann.clone();
            tokio::spawn(async move { ann.try_send(request).await.map(|reply| reply.status) })
        })
        .collect();
    for_a_while(Duration::from_millis(200)).await;
    server.terminate();
    server.ended_within(2 * PATIENCE).await;
    for one in waiting {
        // Refused, or cut off.
        let answer = one.await.expect("no panic");
        assert!(answer.is_err() || answer.is_ok_and(|status| status >= 500));
    }
    cluster.freeze(false).expect("its processes are there");
}
