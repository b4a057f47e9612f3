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
fn the_bulk_is_copied_beside_the_writer_and_the_rest_by_it() {
    use Step::{Begin, Finish, Nothing};
    for (phase, written, open, under_load, at_rest) in [
        (Phase::Growing, 0, 0, Nothing, Nothing),
        (Phase::Growing, 1, 1, Nothing, Finish),
        (Phase::Growing, LITTLE, LITTLE, Nothing, Finish),
        (Phase::Growing, MUCH - 1, MUCH - 1, Nothing, Begin),
        (Phase::Growing, MUCH, MUCH, Begin, Begin),
        (Phase::Growing, TOO_LONG, MUCH, Begin, Begin),
        (Phase::Growing, TOO_LONG, TOO_LONG, Begin, Begin),
        (Phase::Copied, LONG - 1, 1, Nothing, Finish),
        (Phase::Copied, LONG - 1, MUCH - 1, Nothing, Begin),
        (Phase::Copied, LONG - 1, MUCH, Begin, Begin),
        (Phase::Copied, LONG, 0, Nothing, Nothing),
        (Phase::Copied, LONG, 1, Finish, Finish),
        (Phase::Copied, LONG, LITTLE, Finish, Finish),
        (Phase::Copied, LONG, LITTLE + 1, Begin, Begin),
        (Phase::Copied, TOO_LONG, LITTLE + 1, Finish, Finish),
        // Somebody reads on, and it is tried again when it has grown by as much.
        (
            Phase::Hindered { at: LONG },
            LONG + MUCH - 1,
            LONG,
            Nothing,
            Begin,
        ),
        (
            Phase::Hindered { at: LONG },
            LONG + MUCH,
            LONG,
            Begin,
            Begin,
        ),
        (
            Phase::Hindered { at: TOO_LONG },
            TOO_LONG + 1,
            TOO_LONG,
            Nothing,
            Begin,
        ),
        (
            Phase::Hindered { at: TOO_LONG },
            TOO_LONG + MUCH,
            TOO_LONG,
            Begin,
            Begin,
        ),
        (
            Phase::Hindered { at: TOO_LONG },
            TOO_LONG + MUCH,
            LITTLE,
            Begin,
            Finish,
        ),
        // It has begun anew since.
        (
            Phase::Hindered { at: TOO_LONG },
            MUCH - 1,
            1,
            Nothing,
            Finish,
        ),
        (Phase::Hindered { at: TOO_LONG }, MUCH, 1, Begin, Finish),
    ] {
        let found = step(phase, written, open);
        let what = format!("{phase:?} {written} {open}");
        assert_eq!(found, [under_load, at_rest], "{what}");
    }
}
