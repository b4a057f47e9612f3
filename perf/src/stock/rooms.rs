//! The rooms that are filled: made through a server, as anybody's are.

use serde_json::json;

use crate::progress;
use crate::server::Server;

/// Rooms that one client makes, and so is a member of: half of what the server allows.
const ROOMS_PER_MAKER: u32 = 500;

/// The name of a room.
pub(crate) fn room_name(number: u32) -> String {
    format!("room-{number}")
}

/// Who has made it, and is a member.
pub(crate) fn maker(number: u32) -> String {
    format!("perf-maker-{}", number / ROOMS_PER_MAKER)
}

/// Makes so many rooms.
pub(super) async fn make(server: &Server, rooms: u32) -> Result<(), String> {
    let bar = progress::bar("making rooms", rooms.into());
    for first in (0..rooms).step_by(ROOMS_PER_MAKER as usize) {
        let rest = server.rest_of(&maker(first))?;
        for number in first..rooms.min(first + ROOMS_PER_MAKER) {
            let body = json!({ "room": room_name(number) });
            let made = rest.post(&["v1", "rooms"], &body, None).await;
            made.map_err(|why| format!("making a room: {why}"))?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(())
}
