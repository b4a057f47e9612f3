//! Every place where the server can be made to panic. A handler that is not on the list fails the
//! trial, and so does one that the script does not reach.

use std::collections::BTreeSet;

use crate::broken::Place;

/// What the owner of every stream handles.
const OWNER: &[&str] = &[
    "started", "submit", "answers", "attach", "detach", "read", "sleep",
];
const ROOM: &[&str] = &["looked_up"];
const MAILBOX: &[&str] = &[
    "reserve",
    "report",
    "written",
    "flush_written",
    "sweep",
    "swept",
    "bodies_read",
    "retry",
];
/// Not `live_in`: a session hears that only when its post overtakes its own way into the room.
const SESSION: &[&str] = &[
    "started", "inbound", "tick", "end", "left", "entered", "stopped",
];
const BACKGROUND: &[(&str, &str)] = &[
    ("timekeeper", "look"),
    ("follower", "look"),
    ("follower", "effect"),
];
const LOG: &[&str] = &["append", "save_snapshot", "follow_ups_done", "upkeep"];
const ROUTES: &[&str] = &[
    "GET /health",
    "GET /ready",
    "GET /status",
    "GET /ws/{client}",
    "POST /v1/rooms",
    "GET /v1/rooms",
    "GET /v1/rooms/{room}",
    "DELETE /v1/rooms/{room}",
    "PUT /v1/rooms/{room}/members/me",
    "DELETE /v1/rooms/{room}/members/me",
    "PUT /v1/rooms/{room}/members/{client}",
    "DELETE /v1/rooms/{room}/members/{client}",
    "POST /v1/rooms/{room}/channels",
    "GET /v1/rooms/{room}/channels",
    "POST /v1/rooms/{room}/messages",
    "GET /v1/rooms/{room}/messages",
    "GET /v1/rooms/{room}/events",
    "POST /v1/messages",
    "GET /v1/messages/{id}",
    "POST /v1/messages/{id}/ack",
    "GET /v1/mailbox",
    "GET /v1/dead-letters",
    "POST /v1/tickets",
    "GET /v1/admin/dead-letters",
    "GET /v1/admin/stats",
    "POST /v1/admin/actors/release",
];

pub(super) fn expected() -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    for actor in ["room", "mailbox", "broadcast"] {
        both(&mut places, actor, OWNER);
    }
    for actor in ["room", "mailbox"] {
        both(&mut places, actor, &["look"]);
    }
    both(&mut places, "room", ROOM);
    both(&mut places, "mailbox", MAILBOX);
    for handler in SESSION {
        places.insert(place("session", handler, true));
    }
    for (actor, handler) in BACKGROUND {
        places.insert(place(actor, handler, false));
    }
    for step in LOG {
        places.insert(place("log", &format!("{step}, before"), true));
        places.insert(place("log", &format!("{step}, after"), true));
    }
    for route in ROUTES {
        places.insert(place("before", route, false));
        places.insert(place("after", route, false));
    }
    places
}

/// Whether everybody depends on it.
pub(super) fn is_shared(place: &Place) -> bool {
    place.actor == "log"
}

fn both(places: &mut BTreeSet<Place>, actor: &str, handlers: &[&str]) {
    for handler in handlers {
        places.insert(place(actor, handler, true));
        places.insert(place(actor, handler, false));
    }
}

fn place(actor: &str, handler: &str, kills: bool) -> Place {
    Place {
        actor: actor.to_owned(),
        handler: handler.to_owned(),
        kills,
    }
}
