//! What was meant to go away before the commit.

use super::Violation;
use super::lexer::{Kind, Token, starts_with, tokens};
use super::repository::is_rust;

const REMINDERS: &[&str] = &["TODO", "FIXME"];
const PLACEHOLDERS: &[&str] = &["todo", "unimplemented", "dbg"];

/// Assembled from parts, because this file is searched, too.
const FOREIGN_PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("../sha", "red"),
    concat!("/fa", "rm/"),
];

pub(super) fn unfinished(path: &str, text: &str) -> Vec<Violation> {
    let rule = "finish it, or add the number of its issue (#123) to the line";
    if !is_rust(path) {
        return Vec::new();
    }
    let mut violations = Vec::new();
    let tokens = tokens(text);
    let lines: Vec<_> = text.lines().collect();
    for (at, token) in tokens.iter().enumerate() {
        for (line, found) in reminders(token)
            .into_iter()
            .chain(placeholder(&tokens[at..]))
        {
            if !names_an_issue(lines[line - 1]) {
                violations.push(Violation::new(path, line, rule, found));
            }
        }
    }
    violations
}

/// Each reminder in a comment, with its line.
fn reminders<'a>(token: &Token<'a>) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    if token.kind != Kind::Comment {
        return found;
    }
    for (at, line) in token.text.lines().enumerate() {
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        found.extend(
            words
                .filter(|word| REMINDERS.contains(word))
                .map(|w| (token.line + at, w)),
        );
    }
    found
}

fn placeholder<'a>(code: &[Token<'a>]) -> Option<(usize, &'a str)> {
    let first = code.first()?;
    let is_placeholder = PLACEHOLDERS
        .iter()
        .any(|name| starts_with(code, &[name, "!"]));
    is_placeholder.then_some((first.line, first.text))
}

fn names_an_issue(line: &str) -> bool {
    line.split('#')
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

pub(super) fn foreign_path(path: &str, text: &str) -> Vec<Violation> {
    let rule = "the project stands alone: no path of the machine it was written on";
    let mut violations = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for pattern in FOREIGN_PATHS
            .iter()
            .filter(|pattern| names_path(line, pattern))
        {
            violations.push(Violation::new(path, at + 1, rule, *pattern));
        }
    }
    violations
}

/// Whether the path starts in this line. A longer path or an address may
/// contain the same folder name further on, which is harmless.
fn names_path(line: &str, pattern: &str) -> bool {
    let starts_here = |at: usize| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.~}".contains(c))
    };
    line.match_indices(pattern).any(|(at, _)| starts_here(at))
}

#[test]
fn unfinished_work_is_found() {
    let text = "// TODO: later\n/* one\n * FIXME two */\ntodo!();\n\
                unimplemented!(\"x\");\ndbg!(x);\n\
                // TODO(#12): later\nlet x = \"TODO\"; let todo = 1;\n// TODOS, todo\n";
    assert_eq!(
        super::lines(unfinished, "tests/it/x.rs", text),
        [1, 3, 4, 5, 6]
    );
    assert!(super::lines(unfinished, "README.md", text).is_empty());
}

#[test]
fn a_foreign_path_is_found() {
    let [work, shared, farm] = FOREIGN_PATHS else {
        panic!("the list has three entries")
    };
    let text = format!("see {work}main\n`{farm}x`\na/../{shared}/design\nhome{work}x ~{work}y\n");
    assert_eq!(super::lines(foreign_path, "docs/x.md", &text), [1, 2, 3]);
}
