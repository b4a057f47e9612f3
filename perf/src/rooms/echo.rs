//! What every member of a room is told in the same bytes: read once, and compared after that. A room
//! of a thousand would otherwise measure how fast this program reads JSON.

use super::event::Stamp;

/// Frames of a room that are remembered. Whoever lags behind by more reads for itself.
const FRAMES_KEPT: usize = 1_024;
/// Members that must be told the same before it is worth remembering.
const WORTH_FROM: usize = 4;

/// The last frames of one room.
#[derive(Debug, Default)]
pub(super) struct Echo {
    /// By their position, modulo their number. Empty where it is not worth it.
    frames: Vec<Frame>,
}

#[derive(Debug, Clone, Default)]
struct Frame {
    seq: u64,
    bytes: Vec<u8>,
    stamp: Option<Stamp>,
}

impl Echo {
    /// Of a room with so many members.
    pub(super) fn new(members: usize) -> Self {
        let kept = if members < WORTH_FROM { 0 } else { FRAMES_KEPT };
        Self {
            frames: vec![Frame::default(); kept],
        }
    }

    /// The post in this frame, when another member was told the same at this position.
    pub(super) fn find(&self, seq: u64, bytes: &[u8]) -> Option<Stamp> {
        let frame = self.frames.get(self.place(seq)?)?;
        (frame.seq == seq && frame.bytes == bytes).then_some(frame.stamp?)
    }

    /// A frame was read: a post of somebody else, with nothing wrong about it.
    pub(super) fn keep(&mut self, seq: u64, bytes: &[u8], stamp: Stamp) {
        let Some(frame) = self.place(seq).and_then(|place| self.frames.get_mut(place)) else {
            return;
        };
        frame.seq = seq;
        frame.bytes.clear();
        frame.bytes.extend_from_slice(bytes);
        frame.stamp = Some(stamp);
    }

    fn place(&self, seq: u64) -> Option<usize> {
        usize::try_from(seq).ok()?.checked_rem(self.frames.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        sender: 0,
        number: 7,
        at: 9,
    };

    #[test]
    fn only_the_same_bytes_at_the_same_place_are_an_echo() {
        let mut echo = Echo::new(WORTH_FROM);
        assert_eq!(echo.find(5, b"frame"), None);
        echo.keep(5, b"frame", STAMP);
        assert_eq!(echo.find(5, b"frame"), Some(STAMP));
        assert_eq!(echo.find(5, b"other"), None);
        let later = 5 + FRAMES_KEPT as u64;
        assert_eq!(echo.find(later, b"frame"), None);
        echo.keep(later, b"frame", STAMP);
        assert_eq!(echo.find(5, b"frame"), None, "it was pushed out");
    }

    #[test]
    fn a_small_room_has_none() {
        let mut echo = Echo::new(WORTH_FROM - 1);
        echo.keep(5, b"frame", STAMP);
        assert_eq!(echo.find(5, b"frame"), None);
    }
}
