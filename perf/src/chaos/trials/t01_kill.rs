//! Trials 1 and 2: `kill -9` while 64 publishers write and some clients send each other messages, on
//! SQLite and on PostgreSQL.

use std::path::Path;

use super::Trying;
use super::everybody::Everybody;
use crate::chaos::database::Database;
use crate::chaos::outcome::Outcome;
use crate::chaos::server::Start;
use crate::chaos::setting::Setting;

/// Cycles until the new part of every log is looked at.
const LOOK_EVERY_CYCLES: usize = 10;
/// Kills in which a server that acknowledges early must be found out.
const CONTROL_CYCLES: usize = 8;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let mut outcome = Outcome::new(format!("kill -9, {}", setting.database()));
        let kills = match setting.database() {
            Database::Sqlite => 500,
            Database::Postgres => 100,
        };
        let mut everybody = Everybody::begin(&setting, Start::new).await?;
        let mut random = setting.random(1);
        while setting.more_rounds(everybody.kills, 2, kills) {
            everybody.cycle(&mut random).await?;
            if everybody.kills.is_multiple_of(LOOK_EVERY_CYCLES) {
                everybody.look().await?;
            }
            let acknowledged = everybody.acknowledged();
            setting.at(format!(
                "acknowledged {acknowledged}, flaws {}",
                everybody.flaws().total()
            ));
        }
        setting.at("reading everything again");
        everybody.settle().await?;
        let flaws = everybody.judge().await?;
        everybody.tell_kills(&mut outcome);
        everybody.tell(&mut outcome, flaws);
        if let Err(why) = control(&setting, &mut outcome).await {
            outcome.flaw(format!("the control could not be made: {why}"));
        }
        Ok(outcome)
    })
}

/// A server that acknowledges before the commit. It is killed until it is found out.
async fn control(setting: &Setting, outcome: &mut Outcome) -> Result<(), String> {
    setting.at("the control: a server that acknowledges early");
    let broken = |setting: &Setting, folder: &Path| {
        Start::new(setting, folder)?.broken("acknowledges-early")
    };
    let mut everybody = Everybody::begin(setting, broken).await?;
    for _ in 0..CONTROL_CYCLES {
        everybody.kill_when_all_is_acknowledged().await?;
        everybody.look().await?;
        if everybody.flaws().lost > 0 {
            break;
        }
    }
    let (lost, kills) = (everybody.flaws().lost, everybody.kills);
    let found = format!(
        "lost {lost} of {} after {kills} kills",
        everybody.acknowledged()
    );
    outcome.control(
        "a server that acknowledges before the commit",
        found,
        lost > 0,
    );
    Ok(())
}
