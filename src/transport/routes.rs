//! Every route, on one screen.

use actix_web::guard::Acceptable;
use actix_web::web::{self, ServiceConfig, delete, get, patch, post, put, resource};
use actix_web::{Resource, mime};

use super::error::ApiError;
use super::rest::{
    admin, backup, critiques, dead_letters, decisions, events, mailbox, members, messages, metrics,
    posts, rooms, service, tickets, todo,
};
use super::socket;

/// All of them.
pub(super) fn all(app: &mut ServiceConfig) {
    metrics_only(app);
    but_metrics(app);
}

/// What is measured, and nothing else.
pub(super) fn metrics_only(app: &mut ServiceConfig) {
    app.service(at("/metrics").route(get().to(metrics::show)))
        .default_service(web::to(no_route));
}

/// All but what is measured.
pub(super) fn but_metrics(app: &mut ServiceConfig) {
    app.service(at("/health").route(get().to(service::health)))
        .service(at("/ready").route(get().to(service::ready)))
        .service(at("/status").route(get().to(service::status)))
        .service(at("/ws/{client}").route(get().to(socket::open)))
        .service(web::scope("/v1").configure(v1))
        .default_service(web::to(no_route));
}

fn v1(v1: &mut ServiceConfig) {
    v1.service(
        at("/rooms")
            .route(post().to(rooms::create))
            .route(get().to(rooms::list)),
    )
    .service(
        at("/rooms/{room}")
            .route(get().to(rooms::show))
            .route(patch().to(rooms::change_policy))
            .route(delete().to(rooms::close)),
    )
    .service(
        at("/rooms/{room}/members/me")
            .route(put().to(members::join))
            .route(delete().to(members::leave)),
    )
    .service(
        at("/rooms/{room}/members/{client}")
            .route(put().to(members::grant))
            .route(delete().to(members::remove)),
    )
    .service(
        at("/rooms/{room}/channels")
            .route(post().to(rooms::create_channel))
            .route(get().to(rooms::channels)),
    )
    .service(
        at("/rooms/{room}/messages")
            .route(post().to(posts::post))
            .route(get().to(posts::list)),
    )
    .service(at("/rooms/{room}/messages/{id}/thread").route(get().to(posts::thread)))
    .service(
        at("/rooms/{room}/events")
            .route(get().guard(accepts_event_stream()).to(events::stream))
            .route(get().to(events::list)),
    )
    .service(at("/messages").route(post().to(messages::send)))
    .service(at("/messages/{id}").route(get().to(messages::show)))
    .service(at("/messages/{id}/ack").route(post().to(messages::acknowledge)))
    .service(at("/mailbox").route(get().to(mailbox::take)))
    .service(at("/todo").route(get().to(todo::show)))
    .service(at("/dead-letters").route(get().to(dead_letters::own)))
    .service(at("/tickets").route(post().to(tickets::issue)))
    .service(at("/admin/dead-letters").route(get().to(dead_letters::everybodys)))
    .service(at("/admin/stats").route(get().to(admin::stats)))
    .service(
        at("/admin/log-level")
            .route(get().to(admin::log_level))
            .route(put().to(admin::set_log_level)),
    )
    .service(at("/admin/backup").route(post().to(backup::make)))
    .service(at("/admin/actors/release").route(post().to(admin::release)))
    .configure(about_decisions);
}

fn about_decisions(v1: &mut ServiceConfig) {
    v1.service(
        at("/rooms/{room}/decisions")
            .route(post().to(decisions::propose))
            .route(get().to(decisions::list)),
    )
    .service(
        at("/rooms/{room}/decisions/{decision}")
            .route(get().to(decisions::show))
            .route(delete().to(decisions::withdraw)),
    )
    .service(at("/rooms/{room}/decisions/{decision}/ballot").route(put().to(decisions::vote)))
    .service(at("/rooms/{room}/decisions/{decision}/amendments").route(post().to(decisions::amend)))
    .service(
        at("/rooms/{room}/decisions/{decision}/amendments/{amendment}/ballot")
            .route(put().to(decisions::adopt)),
    )
    .service(at("/rooms/{room}/decisions/{decision}/arguments").route(post().to(decisions::argue)))
    .service(
        at("/rooms/{room}/decisions/{decision}/critiques").route(post().to(critiques::of_decision)),
    )
    .service(at("/rooms/{room}/messages/{id}/critiques").route(post().to(critiques::of_message)))
    .service(at("/rooms/{room}/critiques").route(get().to(critiques::list)))
    .service(at("/rooms/{room}/critiques/{critique}/resolve").route(post().to(critiques::resolve)))
    .service(at("/rooms/{room}/critiques/{critique}/waive").route(post().to(critiques::waive)))
    .service(at("/decisions/{decision}").route(get().to(decisions::find)));
}

/// Whether `Accept` names `text/event-stream`; `*/*` gets JSON.
fn accepts_event_stream() -> Acceptable {
    Acceptable::new(mime::TEXT_EVENT_STREAM)
}

/// A path. A method that it does not have is refused like a path that is not there.
fn at(path: &str) -> Resource {
    resource(path).default_service(web::to(no_route))
}

async fn no_route() -> Result<&'static str, ApiError> {
    Err(ApiError::NoRoute)
}
