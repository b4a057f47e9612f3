//! A connection from its first byte to its last: the web server, and then, when it has become a
//! session, the pump.
//!
//! It is what `actix_web::HttpServer` puts together for a listener, around a socket that can be taken
//! out of it again; see `exit`.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpServiceBuilder, Request};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Service, ServiceFactory, ServiceResponse, fn_factory};
use actix_web::rt::net::TcpStream;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::connections::{Connections, Place};
use super::exit::{Exit, Io};
use super::socket::pump::{self, Http};
use crate::config::Tuning;

/// Makes what serves the connections of one thread. `stops` is a future that is ready when the server
/// begins to stop.
pub(super) fn new<A, F, S>(
    app: A,
    connections: Connections,
    stops: impl Fn() -> S + 'static,
    tuning: Tuning,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = (), InitError = ()>
where
    A: IntoServiceFactory<F, Request>,
    F: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
    F: ServiceFactory<Request, Response = ServiceResponse<BoxBody>>,
    F::InitError: fmt::Debug,
    <F::Service as Service<Request>>::Future: 'static,
    S: Future<Output = ()> + 'static,
{
    let app = app.into_factory().map_err(|error| error.error_response());
    let http = HttpServiceBuilder::default()
        .graceful_shutdown_signal(stops)
        .client_request_timeout(tuning.request_head)
        .client_disconnect_timeout(tuning.disconnect)
        .keep_alive(tuning.keep_alive)
        // A client that has gone is noticed while it is waited for.
        .h1_allow_half_closed(false)
        .on_connect_ext(|io: &Io, data| {
            data.insert(Rc::clone(io.place()));
            data.insert(io.exit().clone());
        })
        // Nothing here asks under which address it is served.
        .h1::<_, BoxBody>(map_config(app, |()| AppConfig::default()));
    fn_factory(move || {
        let http = http.new_service(());
        let connections = connections.clone();
        async move {
            Ok(Front {
                http: http.await?,
                connections,
                linger: tuning.disconnect,
            })
        }
    })
}

struct Front<H> {
    http: H,
    connections: Connections,
    /// How long a connection that was told everything may take to end.
    linger: Duration,
}

impl<H> Service<TcpStream> for Front<H>
where
    H: Service<(Io, Option<SocketAddr>), Response = (), Error = DispatchError>,
    H::Future: 'static,
{
    type Response = ();
    type Error = ();
    type Future = LocalBoxFuture<'static, Result<(), ()>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        // It says itself what is wrong.
        self.http.poll_ready(cx).map_err(drop)
    }

    fn call(&self, stream: TcpStream) -> Self::Future {
        if let Err(why) = stream.set_nodelay(true) {
            tracing::debug!(error = %why, "a connection's small packets wait for others");
        }
        let address = stream.peer_addr().ok();
        let place = Rc::new(self.connections.note(&stream));
        let exit = Exit::default();
        let io = Io::new(stream, exit.clone(), Rc::clone(&place));
        let http = self.http.call((io, address)).map(|ended| {
            if let Err(why) = ended {
                tracing::trace!(error = %why, "a connection ended out of order");
            }
        });
        serve(http.boxed_local(), exit, place, self.linger).boxed_local()
    }
}

/// Serves a connection to its end, and keeps its place among the open ones for so long.
async fn serve(http: Http, exit: Exit, place: Rc<Place>, linger: Duration) -> Result<(), ()> {
    let mut http = Some(http);
    let departed = poll_fn(|cx| {
        if let Some(serving) = &mut http
            && serving.as_mut().poll(cx).is_ready()
        {
            http = None;
        }
        match exit.departed() {
            None if http.is_some() => Poll::Pending,
            departed => Poll::Ready(departed),
        }
    })
    .await;
    if let Some(departed) = departed {
        pump::run(departed, http, linger).await;
    }
    drop(place);
    Ok(())
}
