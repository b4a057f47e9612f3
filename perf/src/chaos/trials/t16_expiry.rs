//! Trial 16: messages expire at the moment at which somebody comes for them, and the wall clock is set
//! by an hour while the server runs.

mod brink;
mod ends;
mod jumps;

use super::Trying;
use crate::chaos::machine::Machine;
use crate::chaos::outcome::Outcome;
use crate::chaos::setting::Setting;
use ends::Ends;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let folder = setting.folder()?;
        let machine = Machine::build(folder.path());
        let mut ends = Ends::new(&setting);
        let mut moved = jumps::Moved::default();
        let mut rounds = 0;
        while setting.more_rounds(rounds, 1, 4) {
            let mut others = Ends::new(&setting);
            let brink = brink::round(&setting, rounds as u64, &mut ends);
            match &machine {
                Ok(machine) => {
                    let jumps = jumps::round(&setting, machine, rounds, &mut others, &mut moved);
                    tokio::try_join!(brink, jumps)?;
                }
                Err(_) => brink.await?,
            }
            ends.add(others);
            rounds += 1;
        }
        let mut outcome = Outcome::new(match &machine {
            Ok(_) => {
                "the clock is set by a library in front of the C library (LD_PRELOAD)".to_owned()
            }
            Err(why) => format!("the clock was not set: {why}"),
        });
        ends.control(&mut outcome);
        ends.tell(&mut outcome);
        if machine.is_ok() {
            moved.tell(&mut outcome, &setting);
        }
        Ok(outcome)
    })
}
