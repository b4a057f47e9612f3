//! When what is done.

use bridge_core::limits::{
    WAL_FRAMES_ANEW_FROM, WAL_FRAMES_COPIED_FROM, WAL_FRAMES_FINISHED, WAL_FRAMES_MAX,
};

use super::*;

const LITTLE: u64 = WAL_FRAMES_FINISHED;
const MUCH: u64 = WAL_FRAMES_COPIED_FROM;
const LONG: u64 = WAL_FRAMES_ANEW_FROM;
const TOO_LONG: u64 = WAL_FRAMES_MAX;

fn step(phase: Phase, written: u64, open: u64) -> [Step; 2] {
    let copied = written - open;
    let frames = Frames { written, copied };
    [false, true].map(|is_idle| phase.step(frames, is_idle))
}

#[test]
fn under_load_the_bulk_is_copied_beside_the_writer_and_the_rest_by_it() {
    use Step::{Begin, Finish, Nothing};
    for (phase, written, open, under_load) in [
        (Phase::Growing, 0, 0, Nothing),
        (Phase::Growing, MUCH - 1, MUCH - 1, Nothing),
        (Phase::Growing, MUCH, MUCH, Begin),
        (Phase::Growing, LONG, LONG, Begin),
        (Phase::Growing, TOO_LONG, MUCH, Begin),
        (Phase::Growing, TOO_LONG, TOO_LONG, Finish),
        (Phase::Copied, LONG - 1, 1, Nothing),
        (Phase::Copied, LONG - 1, MUCH - 1, Nothing),
        (Phase::Copied, LONG - 1, MUCH, Begin),
        (Phase::Copied, LONG, 0, Nothing),
        (Phase::Copied, LONG, 1, Finish),
        (Phase::Copied, LONG, LITTLE, Finish),
        (Phase::Copied, LONG, LITTLE + 1, Begin),
        (Phase::Copied, TOO_LONG, LITTLE + 1, Finish),
        // Somebody reads on, and it is tried again when it has grown by as much.
        (Phase::Hindered { at: LONG }, LONG + MUCH - 1, LONG, Nothing),
        (Phase::Hindered { at: LONG }, LONG + MUCH, LONG, Begin),
        (
            Phase::Hindered { at: TOO_LONG },
            TOO_LONG + 1,
            TOO_LONG,
            Nothing,
        ),
        (
            Phase::Hindered { at: TOO_LONG },
            TOO_LONG + MUCH,
            TOO_LONG,
            Finish,
        ),
        (
            Phase::Hindered { at: TOO_LONG },
            TOO_LONG + MUCH,
            LITTLE,
            Begin,
        ),
        // It has begun anew since.
        (Phase::Hindered { at: TOO_LONG }, MUCH - 1, 1, Nothing),
        (Phase::Hindered { at: TOO_LONG }, MUCH, 1, Begin),
    ] {
        let at_rest = if open == 0 { Nothing } else { Finish };
        let found = step(phase, written, open);
        assert_eq!(found, [under_load, at_rest], "{phase:?} {written} {open}");
    }
}
