//! The story of `serve --demo`: five scripted agents meet in a room of the real server, each over a
//! session of its own, and one of them loses its connection.
//!
//! What is shown is what came out of a socket. Nothing is printed because it was sent, and the
//! numbers at the end are counted from what was received.

mod agent;
mod screen;
mod script;
mod summary;

use std::io::Write;
use std::time::Duration;

use bridge_core::{ClientId, Seq};
use tokio::sync::{mpsc, watch};

use self::agent::{Agent, Stage};
use self::screen::{Screen, Shown};
use self::summary::Facts;
use super::show::Paint;
use crate::client::{Address, ClientError, Token};

/// Lines that wait for the screen: more than the whole story has.
const SCREEN_LINES_MAX: usize = 1_024;

/// Who plays, in the order of their colours.
const CAST: [&str; 5] = ["maya", "ravi", "chen", "rosa", "tomas"];

/// Plays the story once. An agent thinks for `pace` before it acts, so that people can follow;
/// nothing depends on it, and zero is a pace.
///
/// # Errors
/// Whatever the server refused, and what did not happen in time.
pub async fn play(
    address: &Address,
    tokens: impl Fn(&ClientId) -> Token,
    out: &mut impl Write,
    pace: Duration,
    paint: Paint,
) -> Result<(), ClientError> {
    let cast = CAST.map(|name| {
        let client: ClientId = name
            .parse()
            .expect("the cast's names are short and of letters");
        let token = tokens(&client);
        (client, token)
    });
    let (lines, shown) = mpsc::channel(SCREEN_LINES_MAX);
    let (head, _) = watch::channel(Seq::ZERO);
    let stage = Stage {
        address,
        pace,
        head,
    };
    let mut screen = Screen::new(out, paint);
    screen.title(address)?;
    let ((), facts) = tokio::try_join!(screen.run(shown), story(&stage, cast, lines))?;
    screen.text(&summary::text(&facts, address, paint))
}

/// The agents, at the same time. The first error ends it for all.
async fn story(
    stage: &Stage<'_>,
    cast: [(ClientId, Token); 5],
    lines: mpsc::Sender<Shown>,
) -> Result<Facts, ClientError> {
    let [maya, ravi, chen, rosa, tomas] = cast.map(|who| Agent::new(stage, who, lines.clone()));
    drop(lines);
    let mut maya = maya.into_observer();
    let room = script::open_room(&mut maya).await?;
    let ((maya, ()), (ravi, ()), (chen, comeback), (rosa, ()), (tomas, ())) = tokio::try_join!(
        script::maya(maya),
        script::ravi(ravi, &room),
        script::chen(chen, &room),
        script::rosa(rosa, &room),
        script::tomas(tomas, &room),
    )?;
    let agents = [maya, ravi, chen, rosa, tomas].map(Agent::into_log);
    Facts::gather(room, &agents, comeback)
}
