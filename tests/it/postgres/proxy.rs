//! A way to the database that is cut where it hurts.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

/// What is cut, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Cut {
    Nothing,
    /// The next thing that is said.
    Next,
    /// A commit, on its way to the database.
    Commit,
    /// The answer to one.
    Committed,
    /// The same, and the database does not hear of it.
    CommittedInSilence,
}

/// A way to the database.
pub(super) struct Proxy {
    port: u16,
    cut: Arc<AtomicU8>,
}

impl Proxy {
    /// To the server on this port. Its thread ends with the test's process.
    pub(super) fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let cut = Arc::new(AtomicU8::new(Cut::Nothing as u8));
        let its_cut = Arc::clone(&cut);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a connection");
                let server =
                    TcpStream::connect((Ipv4Addr::LOCALHOST, server)).expect("it is there");
                pass(client, server, Arc::clone(&its_cut));
            }
        });
        Self { port, cut }
    }

    /// The same database by this way.
    pub(super) fn url(&self, url: &str, server: u16) -> String {
        url.replace(&format!(":{server}/"), &format!(":{}/", self.port))
    }

    pub(super) fn cut(&self, what: Cut) {
        self.cut.store(what as u8, Ordering::SeqCst);
    }

    /// Whether what was to be cut has been.
    pub(super) fn has_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst) == Cut::Nothing as u8
    }
}

fn pass(client: TcpStream, server: TcpStream, cut: Arc<AtomicU8>) {
    let (from_server, to_client) = (clone(&server), clone(&client));
    let awaited = Arc::new(AtomicU8::new(0));
    let is_awaited = Arc::clone(&awaited);
    let forth_cut = Arc::clone(&cut);
    thread::spawn(move || {
        relay(&client, &server, |bytes| {
            let is_commit = bytes.windows(7).any(|window| window == b"COMMIT\0");
            let takes = |what: Cut| {
                let (what, nothing) = (what as u8, Cut::Nothing as u8);
                forth_cut
                    .compare_exchange(what, nothing, Ordering::SeqCst, Ordering::SeqCst)
                    .is_ok()
            };
            if takes(Cut::Next) || (is_commit && takes(Cut::Commit)) {
                return false;
            }
            for cut in [Cut::Committed, Cut::CommittedInSilence] {
                if is_commit && takes(cut) {
                    awaited.store(cut as u8, Ordering::SeqCst);
                }
            }
            true
        });
        if awaited.load(Ordering::SeqCst) != Cut::CommittedInSilence as u8 {
            end(&server);
        }
        end(&client);
    });
    thread::spawn(move || {
        relay(&from_server, &to_client, |_| {
            is_awaited.load(Ordering::SeqCst) == Cut::Nothing as u8
        });
        if is_awaited.load(Ordering::SeqCst) != Cut::CommittedInSilence as u8 {
            end(&from_server);
        }
        end(&to_client);
        // Its descriptor is kept open with this one, until the database closes it.
        let mut rest = [0; 1];
        while matches!((&from_server).read(&mut rest), Ok(1..)) {}
    });
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("another descriptor")
}

/// The other thread may have done it.
fn end(stream: &TcpStream) {
    drop(stream.shutdown(Shutdown::Both));
}

/// Passes on what `may_pass`, until something may not, or one end is gone.
fn relay(mut from: &TcpStream, mut to: &TcpStream, may_pass: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !may_pass(&buffer[..read]) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
}
