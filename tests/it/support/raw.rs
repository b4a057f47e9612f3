//! A plain TCP connection, for what no client library would do.

use std::net::SocketAddr;

use tokio::net::{TcpSocket, TcpStream};

use super::within;

/// Bytes that a narrow socket takes before its window shuts.
const NARROW_BYTES: u32 = 4 * 1024;

/// A connection.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(addr)).await;
        Self(stream.expect("the server listens"))
    }

    /// One that takes little before it is read.
    pub(crate) async fn narrow(addr: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .set_recv_buffer_size(NARROW_BYTES)
            .expect("a small buffer");
        let stream = within("a connection", socket.connect(addr)).await;
        Self(stream.expect("the server listens"))
    }

    pub(crate) async fn write(&self, bytes: &[u8]) {
        write_to(&self.0, bytes).await;
    }

    /// Writes to a server that may hang up.
    pub(crate) async fn try_write(&self, bytes: &[u8]) -> std::io::Result<()> {
        try_write_to(&self.0, bytes).await
    }

    /// Everything up to the end of the connection, which must come.
    pub(crate) async fn to_the_end(&self) -> String {
        let bytes = within("the end of a connection", self.read_all()).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn read_all(&self) -> Vec<u8> {
        let mut all = Vec::new();
        while self.read_some(&mut all).await {}
        all
    }

    /// Up to the end of the first answer's head.
    pub(crate) async fn head(&self) -> String {
        let reading = async {
            let mut all = Vec::new();
            while !all.windows(4).any(|four| four == b"\r\n\r\n") {
                assert!(self.read_some(&mut all).await, "it ended: {all:?}");
            }
            all
        };
        let bytes = within("an answer", reading).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether there was something to read.
    pub(crate) async fn read_some(&self, all: &mut Vec<u8>) -> bool {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if self.0.readable().await.is_err() {
                return false;
            }
            match self.0.try_read(&mut buffer) {
                Ok(0) => return false,
                Ok(read) => {
                    all.extend_from_slice(&buffer[..read]);
                    return true;
                }
                Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
    }
}

/// Writes all of it, to a server that reads it.
pub(crate) async fn write_to(stream: &TcpStream, bytes: &[u8]) {
    let written = within("a socket that takes bytes", try_write_to(stream, bytes)).await;
    written.unwrap_or_else(|why| panic!("the server hung up: {why}"));
}

/// Writes all of it, to a server that may hang up.
pub(crate) async fn try_write_to(stream: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}
