//! Every connection that is open: what it serves, and a way to end it.
//!
//! The web server closes a connection when its own timers say so. They do not see everything: the
//! head of a second request has none, nor has the end of an answer that nobody reads. So each
//! connection is known here by a second descriptor of its socket, and one that has served nothing
//! for too long is shut down, as is everything that is left when the server stops. It costs some
//! two hundred bytes and a descriptor for each.

mod serving;

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::HttpRequest;
use tokio::sync::Notify;

use crate::config::Tuning;
use crate::system::Stopwatch;

pub(super) use serving::attend;

/// The open connections.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    numbers: AtomicU64,
    since: Stopwatch,
    tuning: Tuning,
    /// Requests whose answers are not over.
    busy: AtomicUsize,
    /// Told when none serves anything any more, and when none is open any more.
    became_fewer: Notify,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Stopping an actor does not close the socket of a client that does not read; shutting this
    /// down does, at once.
    descriptor: Option<TcpStream>,
    /// Requests that wait for us, and not for the socket.
    ours: AtomicUsize,
    idle_since_millis: AtomicU64,
}

/// A connection's place among the open ones. It goes with the connection.
#[derive(Debug)]
pub(super) struct Place {
    connections: Connections,
    connection: Arc<Connection>,
    number: u64,
}

/// A request that is being served, to the end of its answer.
#[derive(Debug)]
struct Serving {
    connections: Connections,
    connection: Arc<Connection>,
    is_ours: bool,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new(tuning: Tuning) -> Self {
        Self(Arc::new(Shared {
            open: Mutex::default(),
            numbers: AtomicU64::new(0),
            since: Stopwatch::start(),
            tuning,
            busy: AtomicUsize::new(0),
            became_fewer: Notify::new(),
        }))
    }

    /// Notes a new connection. Its requests must find the place by which it is known.
    pub(super) fn note(&self, stream: &actix_web::rt::net::TcpStream) -> Place {
        bound_buffers(stream);
        give_up_after(stream, self.0.tuning.unacknowledged);
        let descriptor = match duplicate(stream) {
            Ok(descriptor) => Some(descriptor),
            Err(why) => {
                tracing::warn!(error = %why, "a connection cannot be shut down by force");
                None
            }
        };
        let connection = Arc::new(Connection {
            descriptor,
            ours: AtomicUsize::new(0),
            idle_since_millis: AtomicU64::new(self.now_millis()),
        });
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        self.open().insert(number, Arc::clone(&connection));
        Place {
            connections: self.clone(),
            connection,
            number,
        }
    }

    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.open().len()
    }

    /// Waits until none of them serves anything: every answer was given, to its end.
    pub async fn until_quiet(&self) {
        self.until(|| self.0.busy.load(Ordering::Acquire) == 0)
            .await;
    }

    /// Waits until none is open.
    pub async fn until_none(&self) {
        self.until(|| self.count() == 0).await;
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        loop {
            let became_fewer = self.0.became_fewer.notified();
            tokio::pin!(became_fewer);
            // Registered before the look, so that one that ends between the two is not missed.
            became_fewer.as_mut().enable();
            if is_so() {
                return;
            }
            became_fewer.await;
        }
    }

    /// Shuts all of them down. Returns how many there were.
    pub fn shut_down_all(&self) -> usize {
        // Shut down outside the lock, which every new connection and every end of one wants.
        let left: Vec<_> = self.open().values().cloned().collect();
        for connection in &left {
            connection.shut_down();
        }
        left.len()
    }

    /// Ends connections that serve nothing for too long, for as long as the server runs.
    pub async fn end_idle_ones(self) {
        loop {
            tokio::time::sleep(self.0.tuning.look_every).await;
            let now = self.now_millis();
            let most = u64::try_from(self.0.tuning.idle.as_millis()).unwrap_or(u64::MAX);
            let mut idle = Vec::new();
            for connection in self.open().values() {
                if connection.is_idle_for(now) > most {
                    idle.push(Arc::clone(connection));
                }
            }
            for connection in idle {
                tracing::debug!("a connection that serves nothing is shut down");
                connection.shut_down();
            }
        }
    }

    /// No code that can panic runs under this lock but allocation, so a poisoned one is good.
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_millis(&self) -> u64 {
        u64::try_from(self.0.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Connection {
    /// The connection of a request.
    pub(super) fn of(request: &HttpRequest) -> Option<Arc<Self>> {
        let place = request.conn_data::<Rc<Place>>()?;
        Some(Arc::clone(&place.connection))
    }

    /// Ends it, whether or not its client reads.
    pub(super) fn shut_down(&self) {
        let Some(stream) = &self.descriptor else {
            return;
        };
        if let Err(why) = stream.shutdown(Shutdown::Both) {
            // The client was faster.
            tracing::trace!(error = %why, "a socket was closed already");
        }
    }

    /// For how many milliseconds nothing has been done here: there is nothing to do, or the socket
    /// does not take what was done.
    fn is_idle_for(&self, now_millis: u64) -> u64 {
        if self.ours.load(Ordering::Acquire) > 0 {
            return 0;
        }
        now_millis.saturating_sub(self.idle_since_millis.load(Ordering::Acquire))
    }
}

impl Place {
    /// It serves something for as long as the answer lives.
    fn serve(&self) -> Serving {
        self.connections.0.busy.fetch_add(1, Ordering::AcqRel);
        self.connection.ours.fetch_add(1, Ordering::AcqRel);
        Serving {
            connections: self.connections.clone(),
            connection: Arc::clone(&self.connection),
            is_ours: true,
        }
    }
}

impl Serving {
    /// It is for us to go on.
    fn waits_for_us(&mut self) {
        if !std::mem::replace(&mut self.is_ours, true) {
            self.connection.ours.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// It is for the socket to take what there is.
    fn waits_for_the_socket(&mut self) {
        let now = self.connections.now_millis();
        // First the time, so that nobody sees it idle since long ago.
        let idle_since = &self.connection.idle_since_millis;
        idle_since.store(now, Ordering::Release);
        if std::mem::replace(&mut self.is_ours, false) {
            self.connection.ours.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let is_last = {
            let mut open = self.connections.open();
            open.remove(&self.number);
            open.is_empty()
        };
        if is_last {
            self.connections.0.became_fewer.notify_waiters();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.waits_for_the_socket();
        let shared = &self.connections.0;
        if shared.busy.fetch_sub(1, Ordering::AcqRel) == 1 {
            shared.became_fewer.notify_waiters();
        }
    }
}

#[cfg(unix)]
fn duplicate(stream: &actix_web::rt::net::TcpStream) -> std::io::Result<TcpStream> {
    use std::os::fd::AsFd;
    stream.as_fd().try_clone_to_owned().map(TcpStream::from)
}

#[cfg(not(unix))]
fn duplicate(_: &actix_web::rt::net::TcpStream) -> std::io::Result<TcpStream> {
    // The server runs on Linux and macOS; elsewhere only the client commands are used.
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Bounds what the system holds for a client that does not read, and for one that we do not read.
#[cfg(unix)]
fn bound_buffers(stream: &actix_web::rt::net::TcpStream) {
    use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};

    let bytes = bridge_core::limits::SOCKET_BUFFER_BYTES;
    let bounded = set_socket_send_buffer_size(stream, bytes)
        .and_then(|()| set_socket_recv_buffer_size(stream, bytes));
    if let Err(why) = bounded {
        tracing::debug!(error = %why, "a connection's buffers are the system's");
    }
}

#[cfg(not(unix))]
fn bound_buffers(_: &actix_web::rt::net::TcpStream) {}

/// Makes the system give the connection up when what was sent is not acknowledged, or not taken, for
/// so long.
#[cfg(target_os = "linux")]
fn give_up_after(stream: &actix_web::rt::net::TcpStream, patience: Duration) {
    let millis = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    if let Err(why) = rustix::net::sockopt::set_tcp_user_timeout(stream, millis) {
        tracing::debug!(error = %why, "a connection has no limit for what is unacknowledged");
    }
}

/// Other systems have no such option; there the idle connections are found later, and sessions by
/// their heartbeats.
#[cfg(not(target_os = "linux"))]
fn give_up_after(_: &actix_web::rt::net::TcpStream, _: Duration) {}
