//! What fails too often: a room is held back and released, the server ends cleanly, and nothing of
//! what was acknowledged is lost.

use std::time::Duration;

use bridge_core::limits;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::actor::Actor;
use crate::broken::{Arm, Place, Told};
use crate::chaos::outcome::Outcome;
use crate::chaos::peer::Peer;
use crate::chaos::server::Server;
use crate::chaos::setting::Setting;

/// How long a server may take to end that has given up.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
/// Posts to a room that fails, until it is held back.
const POSTS_MAX: usize = 100;

pub(super) async fn exceeded(
    setting: &Setting,
    folder: &TempDir,
    outcome: &mut Outcome,
) -> Result<(), String> {
    setting.at("failing too often");
    let mut server = super::start(setting, folder)?;
    let mut ann = Actor::new("ann".to_owned());
    let mut acknowledged = Vec::new();
    for number in 0..=limits::GIVEN_UP_MAX {
        let room = format!("doomed-{number}");
        let make = json!({"type": "create_room", "room": room, "key": room});
        ann.frame(&server, make).await?;
        let post = json!({"type": "post", "room": room, "text": room, "key": format!("{room} 1")});
        let event = ann.frame(&server, post).await?;
        acknowledged.push((room.clone(), event["seq"].as_u64().unwrap_or_default()));
        arm(&mut server, u32::MAX)?;
        let is_held_back = hold_back(&server, &room).await;
        if number == limits::GIVEN_UP_MAX {
            break;
        }
        is_held_back?;
        arm(&mut server, 0)?;
        if number == 0 {
            release(&server, &room, &mut ann).await?;
        }
    }
    let status = server.until_ended(ENDS_WITHIN).await?;
    if status.success() || !server.log().contains("given up within") {
        outcome.flaw(format!("a server that gave up ended with {status}"));
    }
    outcome.figure("exit of a server that gives up", status.to_string());
    let server = super::start(setting, folder)?;
    for (room, seq) in acknowledged {
        let rest = server.rest("ann")?;
        let page = rest.get(&["v1", "rooms", &room, "events"], &[]).await;
        let page = page.map_err(|why| why.to_string())?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        if !items.iter().any(|e| e["seq"] == seq && e["text"] == room) {
            outcome.flaw(format!("what {room} had acknowledged is lost"));
        }
    }
    Ok(())
}

fn arm(server: &mut Server, times: u32) -> Result<(), String> {
    let place = Place {
        actor: "room".to_owned(),
        handler: "submit".to_owned(),
        kills: false,
    };
    let arm = Arm {
        place,
        spares: Some(super::neighbour::PREFIX.to_owned()),
        after: 0,
        times,
    };
    server.wish(&Told::Arm(arm)).map(drop)
}

/// Posts until the room says that it is held back, or the server is gone.
async fn hold_back(server: &Server, room: &str) -> Result<(), String> {
    let mut last = Value::Null;
    for number in 0..POSTS_MAX {
        let mut peer = Peer::watching(server, "bob").await?;
        let post = json!({"type": "post", "room": room, "text": "x", "key": format!("x {number}")});
        last = peer.ask(post).await?;
        if last["code"] == "room_quarantined" {
            return Ok(());
        }
    }
    Err(format!("{room} is not held back: {last}"))
}

async fn release(server: &Server, room: &str, ann: &mut Actor) -> Result<(), String> {
    let operator = server.operator()?;
    let path = ["v1", "admin", "stats"];
    let stats = operator
        .get(&path, &[])
        .await
        .map_err(|why| why.to_string())?;
    let name = format!("room:{room}");
    let rooms = &stats["actors"]["parts"][0];
    if rooms["quarantined"][0]["actor"] != name {
        return Err(format!("{name} is not shown as held back: {rooms}"));
    }
    let path = ["v1", "admin", "actors", "release"];
    let released = operator.post(&path, &json!({"actor": name}), None).await;
    released.map_err(|why| why.to_string())?;
    let post = json!({"type": "post", "room": room, "text": "free", "key": "free"});
    ann.frame(server, post).await.map(drop)
}
