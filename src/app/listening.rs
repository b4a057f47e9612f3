//! Where the server listens, and what it serves there.

use std::io;
use std::net::{SocketAddr, TcpListener};

use actix_web::dev::Server;
use bridge_core::limits;

use super::AppError;
use crate::config::Config;
use crate::transport::{self, Routes, Serving, State};

/// The addresses that the server has taken, before it serves anything.
pub(super) struct Listening {
    main: Place,
    /// None when what is measured is served with everything else.
    metrics: Option<Place>,
}

struct Place {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Place {
    /// Listens, and says where: port 0 is any free one.
    fn take(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }
}

impl Listening {
    /// Takes the addresses of the settings.
    ///
    /// # Errors
    /// When one of them cannot be had.
    pub(super) fn on(config: &Config) -> Result<Self, AppError> {
        let addr = config.server.bind;
        let main = Place::take(addr).map_err(|why| AppError::Bind { addr, why })?;
        let metrics = match config.metrics.bind {
            Some(addr) => {
                Some(Place::take(addr).map_err(|why| AppError::BindMetrics { addr, why })?)
            }
            None => None,
        };
        Ok(Self { main, metrics })
    }

    /// Where everything is, and where the metrics are, if they have a place of their own.
    pub(super) fn addrs(&self) -> (SocketAddr, Option<SocketAddr>) {
        (
            self.main.addr,
            self.metrics.as_ref().map(|place| place.addr),
        )
    }

    /// Begins to serve.
    ///
    /// # Errors
    /// When the system refuses to go on.
    pub(super) fn serve(
        self,
        config: &Config,
        state: State,
    ) -> Result<(Server, Option<Server>), AppError> {
        let tuning = config.tuning();
        let (metrics, routes) = match self.metrics {
            None => (None, Routes::All),
            Some(Place { listener, addr }) => {
                // One thread: what is asked for there is the same for everybody, and seldom.
                let serving = Serving {
                    workers: 1,
                    connections_max: limits::METRICS_CONNECTIONS_MAX,
                    tuning,
                };
                let server =
                    transport::serve(state.clone(), listener, Routes::MetricsOnly, serving);
                let server = server.map_err(|why| AppError::BindMetrics { addr, why })?;
                (Some(server), Routes::ButMetrics)
            }
        };
        let serving = Serving {
            workers: config.server.workers,
            connections_max: config.connections_max(),
            tuning,
        };
        let Place { listener, addr } = self.main;
        let server = transport::serve(state, listener, routes, serving)
            .map_err(|why| AppError::Bind { addr, why })?;
        Ok((server, metrics))
    }
}
