//! Trial 3: the power is cut. 64 clients post while everything is recorded that reaches the disk;
//! then the disk is put together as it may have been at many moments, and the server started on it.

use super::Trying;
use super::faulty_disk::verdict::Verdict;
use super::faulty_disk::{FORM, Load, Recording, Workshop, lying_disk};
use crate::chaos::machine::Damage;
use crate::chaos::outcome::Outcome;
use crate::chaos::setting::Setting;

const CLIENTS: usize = 64;
const ROOMS: usize = 16;
/// Posts of one recording: in the short form enough for a checkpoint.
const POSTS_SHORT: usize = 2_000;
const POSTS_LONG: usize = 15_000;
/// Cuts that one recording is good for.
const CUTS_OF_ONE_RECORDING: usize = 25;

#[derive(Default)]
struct Sum {
    cuts: usize,
    recordings: u64,
    acknowledged: u64,
    journal_bytes: u64,
    checkpoints: u64,
    damage: Damage,
    verdict: Verdict,
}

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(power_cuts(setting))
}

async fn power_cuts(setting: Setting) -> Result<Outcome, String> {
    let workshop = match Workshop::open(&setting)? {
        Ok(workshop) => workshop,
        Err(why) => return Ok(Outcome::not_run(why)),
    };
    let load = Load {
        clients: CLIENTS,
        rooms: ROOMS,
        posts: setting.pick(POSTS_SHORT, POSTS_LONG) as u64,
    };
    let mut random = setting.random(0);
    let mut sum = Sum::default();
    let mut recording = None;
    while setting.more_rounds(sum.cuts, 6, 300) {
        if sum.cuts % CUTS_OF_ONE_RECORDING == 0 {
            setting.at("recording");
            let name = format!("recording-{}", sum.recordings);
            let new = Recording::make(&setting, &workshop, &name, load, false).await?;
            sum.recorded(&new);
            recording = Some(new);
        }
        let recording = recording.as_ref().ok_or("nothing was recorded")?;
        setting.at("cutting");
        let at = recording.moment(0, &mut random);
        let (verdict, damage) = recording.cut(&setting, at, &mut random).await?;
        sum.verdict.add(verdict);
        sum.damage.add(damage);
        sum.cuts += 1;
    }
    let mut outcome = Outcome::new(FORM);
    sum.tell(&mut outcome);
    let (found, has_failed) = lying_disk(&setting, &workshop, load, &mut random).await?;
    let lie = "an fsync does nothing and says that all is well";
    outcome.control(lie, found, has_failed);
    Ok(outcome)
}

impl Sum {
    fn recorded(&mut self, recording: &Recording) {
        self.recordings += 1;
        self.acknowledged += recording.acknowledged;
        self.journal_bytes += recording.journal.len();
        self.checkpoints += recording.journal.checkpoints();
    }

    fn tell(self, outcome: &mut Outcome) {
        outcome.figure("cuts", self.cuts);
        outcome.figure("recordings", self.recordings);
        outcome.figure("acknowledged", self.acknowledged);
        outcome.figure("recorded_mib", self.journal_bytes >> 20);
        outcome.figure("checkpoints", self.checkpoints);
        outcome.figure("unsynced_writes_kept", self.damage.kept);
        outcome.figure("dropped", self.damage.dropped);
        outcome.figure("torn", self.damage.torn);
        self.verdict.tell(outcome);
        let tried = self.damage.kept + self.damage.dropped + self.damage.torn;
        if tried == 0 || self.checkpoints == 0 {
            outcome.flaw("no cut met an unsynced write, or no checkpoint was recorded");
        }
    }
}
