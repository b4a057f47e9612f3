//! Lines of the log: the same thing has the same name in all of them.

use super::Violation;
use super::lexer::{Kind, Token, code, outside_test_modules, starts_with};
use super::repository::is_product_code;

/// The fields, as `docs/logs.md` explains them.
const FIELDS: &[&str] = &[
    "ahead_seconds",
    "allowed",
    "before",
    "bytes",
    "child",
    "client",
    "connections",
    "database",
    "detail",
    "ending",
    "error",
    "file",
    "folder",
    "found",
    "level",
    "log",
    "mebibytes",
    "millis",
    "needed",
    "reason",
    "reject",
    "request_id",
    "room",
    "seq",
    "session",
    "sessions",
    "setting",
    "spans",
    "stream",
    "wait",
    "what",
];

/// Where they are explained.
pub(super) const PLACES: &[&str] = &["docs/logs.md"];

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

pub(super) fn fields(path: &str, text: &str) -> Vec<Violation> {
    let rule = "use a field that there is, or explain the new one in docs/logs.md and name it in \
                tests/it/tidy/logs.rs";
    if !is_product_code(path) || !path.starts_with("src/") {
        return Vec::new();
    }
    let code = code(text);
    let code = outside_test_modules(&code);
    let mut violations = Vec::new();
    for (at, token) in code.iter().enumerate() {
        if !is_log_line(&code[at..]) {
            continue;
        }
        for field in fields_of(&code[at + 5..]) {
            if !FIELDS.contains(&field) {
                violations.push(Violation::new(path, token.line, rule, field));
            }
        }
    }
    violations
}

/// `tracing::warn!(`, with whatever level.
fn is_log_line(code: &[Token<'_>]) -> bool {
    LEVELS
        .iter()
        .any(|level| starts_with(code, &["tracing", "::", level, "!", "("]))
        && code.len() > 5
}

/// The names in front of the message: `name`, `%name` or `name = …`.
fn fields_of<'a>(arguments: &[Token<'a>]) -> Vec<&'a str> {
    let mut fields = Vec::new();
    let mut depth = 1;
    let mut is_first = true;
    for token in arguments {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && is_first && token.kind == Kind::Str) {
            break;
        }
        match (depth, token.text) {
            (1, ",") => is_first = true,
            (1, "%" | "?") if is_first => {}
            _ if is_first => {
                fields.push(token.text);
                is_first = false;
            }
            _ => {}
        }
    }
    fields
}

#[test]
fn a_field_that_is_not_explained_is_found() {
    let text = "fn f() {\n    tracing::warn!(stream = %self.of(a, b), error = %why, \"gone\");\n    \
                tracing::info!(%client, whose, \"{}\", mine);\n    \
                tracing::debug!(\n        ?ended,\n        \"over\"\n    );\n    \
                tracing::error!(\"nothing, {}\", odd = 1);\n}";
    assert_eq!(super::lines(fields, "src/actors/room.rs", text), [3, 4]);
    assert!(super::lines(fields, "perf/src/main.rs", text).is_empty());
}

/// A list with what nobody uses explains what is not there.
#[test]
fn every_field_is_explained_and_used() {
    let files = super::repository::text_files();
    let explained = files.iter().find(|file| file.path == PLACES[0]);
    let explained = &explained.expect("the document is there").text;
    let mut used = std::collections::BTreeSet::new();
    for file in files.iter().filter(|file| file.path.starts_with("src/")) {
        let code = code(&file.text);
        for at in 0..code.len() {
            if is_log_line(&code[at..]) {
                used.extend(fields_of(&code[at + 5..]).into_iter().map(str::to_owned));
            }
        }
    }
    for field in FIELDS {
        assert!(explained.contains(&format!("| `{field}` |")), "{field}");
        assert!(used.contains(*field), "{field} is in no line any more");
    }
}
