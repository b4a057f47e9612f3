//! Every route, on one screen.

use actix_web::web::{self, ServiceConfig, delete, get, post, put, resource};

use super::error::ApiError;
use super::rest::{events, members, messages, rooms, service};
use super::socket;

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/health").route(get().to(service::health)))
        .service(resource("/ready").route(get().to(service::ready)))
        .service(resource("/status").route(get().to(service::status)))
        .service(resource("/ws/{client}").route(get().to(socket::open)))
        .service(web::scope("/v1").configure(v1))
        .default_service(web::to(|| async { Err::<String, _>(ApiError::NoRoute) }));
}

fn v1(v1: &mut ServiceConfig) {
    v1.service(
        resource("/rooms")
            .route(post().to(rooms::create))
            .route(get().to(rooms::list)),
    )
    .service(
        resource("/rooms/{room}")
            .route(get().to(rooms::show))
            .route(delete().to(rooms::close)),
    )
    .service(
        resource("/rooms/{room}/members/me")
            .route(put().to(members::join))
            .route(delete().to(members::leave)),
    )
    .service(
        resource("/rooms/{room}/members/{client}")
            .route(put().to(members::grant))
            .route(delete().to(members::remove)),
    )
    .service(
        resource("/rooms/{room}/channels")
            .route(post().to(rooms::create_channel))
            .route(get().to(rooms::channels)),
    )
    .service(
        resource("/rooms/{room}/messages")
            .route(post().to(messages::post))
            .route(get().to(messages::list)),
    )
    .service(resource("/rooms/{room}/events").route(get().to(events::list)))
    .service(resource("/admin/stats").route(get().to(service::stats)));
}
