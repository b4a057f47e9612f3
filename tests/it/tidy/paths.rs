//! The paths that a piece of code names, with `use` groups spelled out:
//! `use a::{b, c::*}` names `a::b` and `a::c::*`. A single name is a path, too.

use super::lexer::{Kind, Token};

#[derive(Debug)]
pub(super) struct Path<'a> {
    pub(super) segments: Vec<&'a str>,
    pub(super) line: usize,
    /// The `mod … { }` blocks around it in the same file, outermost first.
    pub(super) modules: Vec<&'a str>,
}

impl Path<'_> {
    /// Whether these segments stand next to each other anywhere in the path.
    pub(super) fn names(&self, segments: &[&str]) -> bool {
        self.segments
            .windows(segments.len())
            .any(|window| window == segments)
    }

    pub(super) fn text(&self) -> String {
        self.segments.join("::")
    }
}

pub(super) fn paths<'a>(code: &[Token<'a>]) -> Vec<Path<'a>> {
    let mut found = Vec::new();
    let mut modules = Modules::default();
    let mut at = 0;
    while at < code.len() {
        modules.step(&code[at..]);
        if code[at].kind != Kind::Word {
            at += 1;
            continue;
        }
        let mut names = Vec::new();
        at = read_tree(code, at, &[], &mut names);
        found.extend(names.into_iter().map(|(segments, line)| Path {
            segments,
            line,
            modules: modules.names(),
        }));
    }
    found
}

/// Reads one path or one branch of a `use` group that starts at `at`, and
/// returns the place after it.
fn read_tree<'a>(
    code: &[Token<'a>],
    mut at: usize,
    prefix: &[&'a str],
    names: &mut Vec<(Vec<&'a str>, usize)>,
) -> usize {
    let line = code[at].line;
    let mut segments = prefix.to_vec();
    while let Some(token) = code.get(at) {
        if token.text == "{" {
            return read_group(code, at + 1, &segments, names);
        }
        segments.push(token.text);
        at += 1;
        if !continues(code, at) {
            break;
        }
        at += 1;
    }
    names.push((segments, line));
    at
}

/// Whether a `::` stands here that leads to a further segment, and not to
/// generic arguments.
fn continues(code: &[Token<'_>], at: usize) -> bool {
    let is_separator = code.get(at).is_some_and(|token| token.text == "::");
    is_separator && code.get(at + 1).is_some_and(is_segment)
}

fn is_segment(token: &Token<'_>) -> bool {
    token.kind == Kind::Word || token.text == "*" || token.text == "{"
}

fn read_group<'a>(
    code: &[Token<'a>],
    mut at: usize,
    prefix: &[&'a str],
    names: &mut Vec<(Vec<&'a str>, usize)>,
) -> usize {
    while let Some(token) = code.get(at) {
        match token.text {
            "}" => return at + 1,
            // The new name of an import is not a path.
            "as" => at += 2,
            _ if is_segment(token) => at = read_tree(code, at, prefix, names),
            _ => at += 1,
        }
    }
    at
}

/// The inline modules around the current token.
#[derive(Default)]
struct Modules<'a> {
    depth: usize,
    /// Each open module with the depth outside it.
    open: Vec<(&'a str, usize)>,
}

impl<'a> Modules<'a> {
    fn step(&mut self, code: &[Token<'a>]) {
        if let [keyword, name, brace, ..] = code
            && keyword.text == "mod"
            && brace.text == "{"
        {
            self.open.push((name.text, self.depth));
        }
        match code[0].text {
            "{" => self.depth += 1,
            "}" => {
                self.depth = self.depth.saturating_sub(1);
                self.open.retain(|(_, outside)| *outside < self.depth);
            }
            _ => {}
        }
    }

    fn names(&self) -> Vec<&'a str> {
        self.open.iter().map(|(name, _)| *name).collect()
    }
}

fn texts(text: &str) -> Vec<String> {
    paths(&super::lexer::code(text))
        .iter()
        .map(Path::text)
        .collect()
}

#[test]
fn groups_are_spelled_out() {
    let expected = ["use", "a::b", "a::c::*", "a::c::d", "a::f::self"];
    assert_eq!(texts("use a::{b, c::{*, d as e}, f::{self}};"), expected);
}

#[test]
fn generic_arguments_end_a_path() {
    assert_eq!(texts("a::b::<c::d>::e(f)"), ["a::b", "c::d", "e", "f"]);
}

#[test]
fn inline_modules_are_known() {
    let code = super::lexer::code("a; mod m { b; mod n { c } fn f() { d } } e");
    let found = paths(&code);
    let modules = |name| {
        let path = found
            .iter()
            .find(|p| p.segments == [name])
            .expect("the sample names this");
        path.modules.join("::")
    };
    assert_eq!(modules("a"), "");
    assert_eq!(modules("b"), "m");
    assert_eq!(modules("c"), "m::n");
    assert_eq!(modules("d"), "m");
    assert_eq!(modules("e"), "");
}
