//! `/metrics` on an address of its own.

use std::net::TcpListener;
use std::net::TcpStream;

use agent_bridge::app::{AppError, Application};
use agent_bridge::config::{Config, Overrides};

use super::{happen, of, scrape};
use crate::support::{Rest, TestServer};

const SETTINGS: &str = "[metrics]\nbind = \"127.0.0.1:0\"\n";

#[tokio::test]
async fn it_is_served_there_and_nowhere_else() {
    let server = TestServer::with(SETTINGS);
    happen(&server).await;
    let (text, series) = scrape(&server).await;
    assert_eq!(of(&series, "bridge_room_messages_total"), 5.0, "{text}");
    let its_own = server.metrics_addr.expect("an address of its own");
    for (addr, path, status) in [
        (server.addr, "/metrics", 404),
        (server.addr, "/health", 200),
        (its_own, "/metrics", 200),
        (its_own, "/health", 404),
        (its_own, "/v1/rooms", 404),
        (its_own, "/ws/ann", 404),
    ] {
        let admin = Rest::new(addr, Some(server.token_with("ann", "admin")));
        let reply = admin.get(path).await;
        assert_eq!(reply.status, status, "{addr}{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn who_may_read_it_is_the_same_there() {
    for (open, by_a_proxy) in [("loopback", 401), ("nobody", 401), ("everybody", 200)] {
        let server = TestServer::with(&format!("{SETTINGS}open = \"{open}\"\n"));
        let addr = server.metrics_addr.expect("an address of its own");
        for (token, status) in [
            (None, by_a_proxy),
            (Some(server.token_with("prometheus", "metrics")), 200),
        ] {
            let rest = Rest::new(addr, token);
            let request = rest.request(reqwest::Method::GET, "/metrics");
            let reply = rest.send(request.header("via", "1.1 proxy")).await;
            assert_eq!(reply.status, status, "{open}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn it_ends_with_the_server() {
    let mut server = TestServer::with(SETTINGS);
    let addr = server.metrics_addr.expect("an address of its own");
    // A scraper keeps its connection open between two scrapes.
    let scraper = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let scraped = scraper.get(format!("http://{addr}/metrics")).send().await;
    scraped.expect("an answer").text().await.expect("a text");
    server.stop().expect("it ends well");
    let refused = TcpStream::connect(addr).expect_err("nobody listens");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn an_address_that_is_taken_is_a_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("its address");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("test.toml");
    let settings = format!("[server]\nbind = \"127.0.0.1:0\"\n[metrics]\nbind = \"{addr}\"\n");
    std::fs::write(&file, settings).expect("a writable folder");
    let overrides = Overrides {
        data_dir: Some(folder.path().to_owned()),
        ..Overrides::default()
    };
    let config = Config::load(Some(&file), &overrides).expect("good settings");
    let system = actix_web::rt::System::new();
    let why = system.block_on(async { Application::build(&config).map(drop) });
    let why = why.expect_err("the port is taken");
    assert!(matches!(why, AppError::BindMetrics { .. }), "{why}");
    let said = why.to_string();
    assert!(
        said.contains(&addr.to_string()) && said.contains("metrics.bind"),
        "{said}"
    );
}
