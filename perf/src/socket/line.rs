//! What lies between a client and the server, and how it breaks.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

/// A line to the server; the system's own by default.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Line {
    /// Room for what was received and not read.
    pub(crate) receive_bytes: Option<u32>,
    /// Largest segment. Over loopback one is 64 KiB, and the server's system then takes megabytes
    /// for a client that does not read; over a network it does not.
    pub(crate) segment_bytes: Option<u32>,
}

impl Line {
    /// A line that holds little: what its client does not read stays in the server.
    pub(crate) const NARROW: Self = Self {
        receive_bytes: Some(4 * 1024),
        segment_bytes: Some(1_400),
    };

    pub(super) async fn connect(self, server: SocketAddr) -> io::Result<TcpStream> {
        let socket = match server {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if let Some(bytes) = self.receive_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.segment_bytes {
            SockRef::from(&socket).set_tcp_mss(bytes)?;
        }
        let stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Makes the end of this connection a reset: the server is told at once, and nothing is in order.
pub(crate) fn reset_at_end(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

/// Gives a narrow line room, for a client that reads again.
pub(crate) fn widen(stream: &TcpStream) -> io::Result<()> {
    const WIDE_BYTES: usize = 1024 * 1024;
    SockRef::from(stream).set_recv_buffer_size(WIDE_BYTES)
}

/// Whether this system can cut a line without telling either end.
pub(crate) const CAN_CUT: bool = cfg!(target_os = "linux");

/// Nothing that the server sends arrives any more, and nothing is told to it, not even that: every
/// segment is thrown away before the system looks at it.
#[cfg(target_os = "linux")]
pub(crate) fn cut(stream: &TcpStream) -> io::Result<()> {
    // "Return 0": of every packet, no byte is to be kept.
    const RETURN: u16 = 0x06;
    let nothing = socket2::SockFilter::new(RETURN, 0, 0, 0);
    SockRef::from(stream).attach_filter(&[nothing])
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn cut(_: &TcpStream) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read, Write};
    use std::net::{Ipv4Addr, TcpListener};

    async fn pair(line: Line) -> (TcpStream, std::net::TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let place = listener.local_addr().expect("an address");
        let ours = line.connect(place).await.expect("a connection");
        let (theirs, _) = listener.accept().expect("a connection");
        (ours, theirs)
    }

    /// Bytes that a peer takes which does not read.
    fn pushed(theirs: &mut std::net::TcpStream) -> usize {
        theirs.set_nonblocking(true).expect("a socket");
        let mut pushed = 0;
        while let Ok(bytes) = theirs.write(&[0; 8 * 1024]) {
            pushed += bytes;
        }
        pushed
    }

    #[tokio::test]
    async fn a_narrow_line_holds_little() {
        let (_ours, mut theirs) = pair(Line::NARROW).await;
        let held = pushed(&mut theirs);
        assert!(held < 256 * 1024, "{held}");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_cut_line_is_silent_and_a_reset_one_is_not() {
        let (ours, mut theirs) = pair(Line::default()).await;
        cut(&ours).expect("a filter");
        theirs.write_all(b"are you there?").expect("it is taken");
        let mut buffer = [0; 16];
        let came = ours.try_read(&mut buffer).map_err(|why| why.kind());
        assert_eq!(came, Err(ErrorKind::WouldBlock));
        let (ours, mut theirs) = pair(Line::default()).await;
        reset_at_end(&ours).expect("an option");
        drop(ours);
        let came = theirs.read(&mut buffer).map_err(|why| why.kind());
        assert_eq!(came, Err(ErrorKind::ConnectionReset));
    }
}
