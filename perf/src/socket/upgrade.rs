//! The request that turns an HTTP connection into a WebSocket.

use std::io::ErrorKind;
use std::net::SocketAddr;

use agent_bridge::client::Token;
use tokio::net::TcpStream;

use super::lost;

/// Key and answer of RFC 6455, section 1.3. The key protects against caches, of which there are
/// none between here and a loopback address, so it may be the same every time.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const PROTOCOL: &str = "agent-bridge.v1";
/// Bytes of the answer's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Upgrades, and returns what came behind the answer.
pub(super) async fn upgrade(
    stream: &TcpStream,
    server: SocketAddr,
    client: &str,
    token: &Token,
) -> Result<Vec<u8>, String> {
    let token = token.reveal();
    let request = format!(
        "GET /ws/{client} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Protocol: {PROTOCOL}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    write(stream, request.as_bytes()).await?;
    let mut inbox = Vec::new();
    loop {
        if let Some(end) = end_of_head(&inbox) {
            check(&String::from_utf8_lossy(&inbox[..end]))?;
            return Ok(inbox.split_off(end));
        }
        if inbox.len() > HEAD_BYTES_MAX {
            return Err("the server's answer has no end".to_owned());
        }
        stream.readable().await.map_err(lost)?;
        match stream.try_read_buf(&mut inbox) {
            Ok(0) => return Err("the server hung up instead of opening a session".to_owned()),
            Ok(_) => {}
            Err(why) if why.kind() == ErrorKind::WouldBlock => {}
            Err(why) => return Err(lost(why)),
        }
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> Result<(), String> {
    while !bytes.is_empty() {
        stream.writable().await.map_err(lost)?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(why) if why.kind() == ErrorKind::WouldBlock => {}
            Err(why) => return Err(lost(why)),
        }
    }
    Ok(())
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let begin = bytes.windows(END.len()).position(|window| window == END)?;
    Some(begin + END.len())
}

fn check(head: &str) -> Result<(), String> {
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("101") {
        return Err(format!("the server opens no session: {status}"));
    }
    let header = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        let field = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.trim().to_owned())
    };
    if header("sec-websocket-accept").as_deref() != Some(ACCEPT) {
        return Err("the server's answer is to another key".to_owned());
    }
    if header("sec-websocket-protocol").as_deref() != Some(PROTOCOL) {
        return Err(format!("the server does not speak {PROTOCOL}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: &str, accept: &str, protocol: &str) -> String {
        format!(
            "HTTP/1.1 {status}\r\nSec-WebSocket-Accept: {accept}\r\n\
             sec-websocket-protocol: {protocol}\r\n\r\n"
        )
    }

    #[test]
    fn only_the_right_answer_opens_a_session() {
        let good = "101 Switching Protocols";
        assert_eq!(check(&head(good, ACCEPT, PROTOCOL)), Ok(()));
        assert!(check(&head("401 Unauthorized", ACCEPT, PROTOCOL)).is_err());
        assert!(check(&head(good, "x", PROTOCOL)).is_err());
        assert!(check(&head(good, ACCEPT, "other")).is_err());
        assert!(check("").is_err());
    }

    #[test]
    fn the_head_ends_at_the_empty_line() {
        assert_eq!(end_of_head(b"a\r\n\r\nb"), Some(5));
        assert_eq!(end_of_head(b"a\r\n\r"), None);
    }
}
