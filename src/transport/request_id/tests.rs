//! A handler that panics, over a real socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use serde_json::{Value, json};

use super::attach;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn panics() -> &'static str {
    panic!("injected")
}

async fn panics_later() -> &'static str {
    tokio::task::yield_now().await;
    panic!("injected")
}

async fn works() -> &'static str {
    "fine"
}

/// Asks over a connection that stays open. The head of the answer, and its body.
fn ask(stream: &mut TcpStream, path: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: here\r\nx-request-id: mine-7\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is read");
    let mut answer = Vec::new();
    loop {
        let mut buffer = [0; 1_024];
        let read = stream.read(&mut buffer).expect("an answer in time");
        assert_ne!(read, 0, "the connection ended");
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8(answer.clone()).expect("UTF-8");
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("a length").parse().expect("a number");
        if body.len() == length {
            return (head, body.to_owned());
        }
    }
}

fn asks_everything(addr: SocketAddr) {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    for path in ["/panics", "/panics-later", "/panics"] {
        let (head, body) = ask(&mut stream, path);
        assert!(head.starts_with("http/1.1 500 "), "{head}");
        assert!(head.contains("x-request-id: mine-7"), "{head}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let error = &body["error"];
        assert_eq!(
            (&error["code"], &error["number"]),
            (&json!("internal"), &json!(1900))
        );
        assert_eq!(body["request_id"], "mine-7");
        assert!(!body.to_string().contains("injected"), "{body}");
        // The same connection goes on.
        let (head, body) = ask(&mut stream, "/works");
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        assert_eq!(body, "fine");
    }
}

#[test]
fn a_handler_that_panics_is_answered_for_and_the_connection_goes_on() {
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| {
            App::new()
                .wrap(from_fn(attach))
                .route("/panics", web::get().to(panics))
                .route("/panics-later", web::get().to(panics_later))
                .route("/works", web::get().to(works))
        });
        let server = server.workers(1).disable_signals();
        let server = server.bind(("127.0.0.1", 0)).expect("a free port");
        let addr = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let asked = actix_web::rt::task::spawn_blocking(move || asks_everything(addr)).await;
        handle.stop(false).await;
        asked.expect("the checks hold");
    });
}
