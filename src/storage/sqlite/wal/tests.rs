//! When what is done.

use bridge_core::limits::{WAL_FRAMES_COPIED_FROM, WAL_FRAMES_FINISHED, WAL_FRAMES_MAX};

use super::*;

const LITTLE: u64 = WAL_FRAMES_FINISHED;
const MUCH: u64 = WAL_FRAMES_COPIED_FROM;
const TOO_MUCH: u64 = WAL_FRAMES_MAX;

fn step(phase: Phase, written: u64, copied: u64) -> [Step; 2] {
    let frames = Frames { written, copied };
    [false, true].map(|is_idle| phase.step(frames, is_idle))
}

#[test]
fn under_load_the_bulk_is_copied_beside_the_writer_and_the_rest_by_it() {
    use Step::{Begin, Finish, Nothing};
    for (phase, written, copied, under_load) in [
        (Phase::Growing, 0, 0, Nothing),
        (Phase::Growing, MUCH - 1, 0, Nothing),
        (Phase::Growing, MUCH, 0, Begin),
        (Phase::Growing, TOO_MUCH, TOO_MUCH - MUCH, Begin),
        (Phase::Growing, TOO_MUCH, 0, Finish),
        (Phase::Ending, MUCH + 1, MUCH, Finish),
        (Phase::Ending, MUCH + LITTLE, MUCH, Finish),
        (Phase::Ending, MUCH + LITTLE + 1, MUCH, Begin),
        (Phase::Ending, MUCH + TOO_MUCH, MUCH, Finish),
        (Phase::Ending, MUCH, MUCH, Nothing),
        // Somebody reads on, and it is tried again when it has grown by as much.
        (Phase::Hindered { at: MUCH }, 2 * MUCH - 1, 0, Nothing),
        (Phase::Hindered { at: MUCH }, 2 * MUCH, 0, Begin),
        (Phase::Hindered { at: TOO_MUCH }, TOO_MUCH + 1, 0, Nothing),
        (Phase::Hindered { at: TOO_MUCH }, TOO_MUCH + MUCH, 0, Finish),
        // It has begun anew since.
        (Phase::Hindered { at: TOO_MUCH }, MUCH - 1, 0, Nothing),
        (Phase::Hindered { at: TOO_MUCH }, MUCH, 0, Begin),
    ] {
        let at_rest = if written == copied { Nothing } else { Finish };
        let found = step(phase, written, copied);
        let what = format!("{phase:?} {written} {copied}");
        assert_eq!(found, [under_load, at_rest], "{what}");
    }
}
