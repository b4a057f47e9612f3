//! Colours.

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    is_on: bool,
}

/// One of the colours that can be told apart on a dark and on a light ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hue(u8);

/// The colour numbers of ANSI: cyan, yellow, magenta, green, blue, and their bright versions but
/// for red, which is kept for what went wrong.
const HUES: [u8; 9] = [36, 33, 35, 32, 34, 96, 95, 92, 94];

impl Hue {
    /// One of the hues, by number.
    #[must_use]
    pub const fn number(n: usize) -> Self {
        Self(HUES[n % HUES.len()])
    }

    /// The hue of a name: always the same one.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let folded = name.bytes().map(|b| b.to_ascii_lowercase());
        let sum = folded.fold(0_usize, |sum, b| {
            sum.wrapping_mul(31).wrapping_add(b.into())
        });
        Self::number(sum)
    }
}

impl Paint {
    /// Colours, if they are wanted.
    #[must_use]
    pub const fn new(is_on: bool) -> Self {
        Self { is_on }
    }

    /// Whether there are colours.
    #[must_use]
    pub const fn is_on(self) -> bool {
        self.is_on
    }

    /// Something that is less important than what is around it.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// Something that is more important than what is around it.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// Something that went well.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// Something that went wrong.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// Something of somebody.
    #[must_use]
    pub fn hue(self, hue: Hue, text: &str) -> String {
        self.with(&format!("1;{}", hue.0), text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if !self.is_on || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_only_added_when_it_is_on() {
        assert_eq!(Paint::new(true).dim("x"), "\u{1b}[2mx\u{1b}[0m");
        assert_eq!(Paint::new(false).hue(Hue::of("ann"), "x"), "x");
        assert_eq!(Hue::of("Ann"), Hue::of("ann"));
    }
}
