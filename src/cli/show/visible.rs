//! Control characters made visible.

use std::fmt::Write;

use serde_json::Value;

/// A text for one line of a terminal. Characters that could steer the terminal, or make a text look
/// like another one, become visible: `ESC` is shown as `␛`, a line break as `␊`.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        push(&mut shown, c);
    }
    shown
}

/// A text of several lines. Each line after the first begins with `indent`, so that no text can
/// look like a line of ours. A tab becomes spaces.
#[must_use]
pub fn visible_lines(text: &str, indent: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, line) in text.trim_end_matches(['\n', '\r']).split('\n').enumerate() {
        if at > 0 {
            shown.push('\n');
            shown.push_str(indent);
        }
        for c in line.strip_suffix('\r').unwrap_or(line).chars() {
            match c {
                '\t' => shown.push_str("    "),
                c => push(&mut shown, c),
            }
        }
    }
    shown
}

fn push(shown: &mut String, c: char) {
    match c {
        // The Unicode pictures of the control characters stand in their order.
        '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(c))),
        '\u{7f}' => shown.push('␡'),
        c if is_hidden(c) => {
            write!(shown, "\\u{{{:x}}}", u32::from(c)).expect("a String takes any text");
        }
        c => shown.push(c),
    }
}

/// Characters without a shape of their own that steer a terminal or deceive a reader. The joiners
/// U+200C and U+200D are not among them: scripts and emoji need them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Line and paragraph separator.
            '\u{2028}' | '\u{2029}'
            // Directions: they let a text show in another order than it has.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            // Nothing at all, and the marks of interlinear annotation.
            | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Tags: an invisible copy of ASCII.
            | '\u{e0000}'..='\u{e007f}')
}

/// One line of JSON. What could steer a terminal is escaped, which changes nothing for programs.
#[must_use]
pub fn json_line(value: &Value) -> String {
    escaped(&value.to_string())
}

/// A JSON document for programs and people.
#[must_use]
pub fn json_document(value: &Value) -> String {
    escaped(&format!("{value:#}"))
}

/// Escapes what JSON itself allows to stand raw. Such characters are only ever inside of strings.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_hidden(c) {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(text, "\\u{unit:04x}").expect("a String takes any text");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_steers_the_terminal() {
        let table = [
            (
                "plain, 日本語, Ελληνικά, עברית, 👩‍🚀",
                "plain, 日本語, Ελληνικά, עברית, 👩‍🚀",
            ),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "␛[2J␛]0;title␇"),
            ("a\r\nb\tc\0\u{7f}", "a␍␊b␉c␀␡"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}dcb", "abc\\u{202e}dcb"),
            (
                "a\u{200b}b\u{2028}c\u{feff}",
                "a\\u{200b}b\\u{2028}c\\u{feff}",
            ),
            ("\u{e0041}", "\\u{e0041}"),
        ];
        for (text, shown) in table {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn every_control_character_is_shown() {
        for c in (0..=0x10_ffff)
            .filter_map(char::from_u32)
            .filter(|c| c.is_control())
        {
            let text = visible(&c.to_string());
            assert!(
                !text.is_empty() && !text.chars().any(char::is_control),
                "{c:?}"
            );
            let json = json_line(&json!(c.to_string()));
            assert!(!json.chars().any(char::is_control), "{c:?}");
        }
    }

    #[test]
    fn a_text_cannot_look_like_a_line_of_ours() {
        let text = "one\r\n08:15:30 #2 ann: two\n\tthree\u{1b}\n\n";
        let shown = "one\n  08:15:30 #2 ann: two\n      three␛";
        assert_eq!(visible_lines(text, "  "), shown);
    }

    #[test]
    fn escaped_json_means_the_same() {
        let value = json!({ "a\u{9b}": ["\u{202e}\u{e0041}\u{1b}\n🦀", "日本"] });
        for text in [json_line(&value), json_document(&value)] {
            assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
            assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{text}");
            assert!(text.contains("🦀") && text.contains("日本"));
        }
        assert!(!json_line(&value).contains('\n'));
    }
}
