//! Trial 1: `kill -9` while 64 publishers write and some clients send each other messages.

mod everybody;
mod ring;

use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::Trying;
use crate::chaos::outcome::Outcome;
use crate::chaos::server::Start;
use crate::chaos::setting::Setting;
use everybody::Everybody;

/// Cycles until the new part of every log is looked at.
const LOOK_EVERY_CYCLES: usize = 10;
/// The longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Kills in which a server that acknowledges early must be found out.
const CONTROL_CYCLES: usize = 8;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let mut outcome = Outcome::new("kill -9, SQLite");
        let mut everybody =
            Everybody::begin(&setting, |setting, folder| Ok(Start::new(setting, folder))).await?;
        let mut random = setting.random(1);
        while setting.more_rounds(everybody.kills, 2, 500) {
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
    let broken =
        |setting: &Setting, folder: &Path| Start::new(setting, folder).broken("acknowledges-early");
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

async fn within<T>(what: &str, work: impl Future<Output = T>) -> Result<T, String> {
    let late = |_| format!("{what} took longer than {PATIENCE:?}");
    timeout(PATIENCE, work).await.map_err(late)
}
