//! Columns.

use super::{Paint, visible};

/// Between two columns.
const GAP: &str = "  ";

/// How many columns of a terminal a text takes, near enough for tables: two for the wide characters
/// of East Asia and for emoji, none for what is put on top of another character.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

fn columns(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{20d0}'..='\u{20ff}' => 0,
        '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' => 0,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{a4cf}' => 2,
        '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' => 2,
        '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' => 2,
        '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// A text with spaces behind it, so that it takes at least this many columns.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let spaces = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(spaces))
}

/// Rows under a heading, aligned. Cells may be anything; they are made visible here.
#[must_use]
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]], paint: Paint) -> String {
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| visible(cell)))
        .collect();
    let mut widths = heading.map(width);
    for row in &rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let line = |cells: Vec<&str>| {
        let padded: Vec<_> = cells
            .iter()
            .zip(widths)
            .map(|(cell, w)| pad(cell, w))
            .collect();
        padded.join(GAP).trim_end().to_owned()
    };
    let mut lines = vec![paint.dim(&line(heading.to_vec()))];
    lines.extend(
        rows.iter()
            .map(|row| line(row.iter().map(String::as_str).collect())),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_in_every_script() {
        let rows = [
            ["a".to_owned(), "x".to_owned()],
            ["設計".to_owned(), "\u{1b}[0m".to_owned()],
            ["e\u{301}🦀".to_owned(), String::new()],
        ];
        let text = table(["NAME", "TOPIC"], &rows, Paint::new(false));
        assert_eq!(text, "NAME  TOPIC\na     x\n設計  ␛[0m\ne\u{301}🦀");
    }
}
