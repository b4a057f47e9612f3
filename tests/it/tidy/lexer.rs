//! Rust text to tokens: just enough to tell code from comments and strings.
//!
//! A search in the plain text would trip over every comment that explains a
//! rule, and over every test that contains a bad sample.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// A string literal of any kind, with its quotes.
    Str,
    Comment,
    /// `::` or a single character; also a whole character literal.
    Sign,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// The line on which the token starts, from 1.
    pub(super) line: usize,
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = measure(rest, first);
        let (text, after) = rest.split_at(length);
        if !first.is_whitespace() {
            tokens.push(Token { kind, text, line });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

/// The tokens without the comments.
pub(super) fn code(text: &str) -> Vec<Token<'_>> {
    let mut tokens = tokens(text);
    tokens.retain(|token| token.kind != Kind::Comment);
    tokens
}

/// Whether the code starts with exactly these words and signs.
pub(super) fn starts_with(code: &[Token<'_>], pattern: &[&str]) -> bool {
    code.len() >= pattern.len()
        && code
            .iter()
            .zip(pattern)
            .all(|(token, text)| token.text == *text)
}

/// The code without its `#[cfg(test)] mod … { … }` blocks.
pub(super) fn outside_test_modules<'a>(code: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.first() {
        if let Some(length) = test_module_length(rest) {
            rest = &rest[length..];
        } else {
            kept.push(*first);
            rest = &rest[1..];
        }
    }
    kept
}

fn test_module_length(code: &[Token<'_>]) -> Option<usize> {
    if !starts_with(code, &["#", "[", "cfg", "(", "test", ")", "]"]) {
        return None;
    }
    let body = code
        .iter()
        .position(|token| token.text == "{" || token.text == ";")?;
    let is_module = code[..body].iter().any(|token| token.text == "mod");
    // `mod tests;` has its code in another file, which is judged by its name.
    if !is_module || code[body].text == ";" {
        return None;
    }
    let mut depth = 0_usize;
    for (at, token) in code.iter().enumerate().skip(body) {
        match token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    Some(code.len())
}

/// The kind and the length in bytes of the first token. Never zero: `first` is
/// the first character of `rest`.
fn measure(rest: &str, first: char) -> (Kind, usize) {
    if rest.starts_with("//") {
        (Kind::Comment, rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        (Kind::Comment, block_comment(rest))
    } else if let Some(length) = string(rest) {
        (Kind::Str, length)
    } else if is_word(first) {
        (Kind::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len()))
    } else if rest.starts_with("::") {
        (Kind::Sign, 2)
    } else if first == '\'' {
        (Kind::Sign, character(rest).unwrap_or(1))
    } else {
        (Kind::Sign, first.len_utf8())
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(next) = rest[at..].chars().next() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += next.len_utf8();
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of a string literal at the start of `rest`: plain, byte, C or raw.
fn string(rest: &str) -> Option<usize> {
    let body = rest.trim_start_matches(['b', 'c', 'r']);
    let prefix = rest.len() - body.len();
    let is_raw = rest[..prefix].contains('r');
    let unhashed = if is_raw {
        body.trim_start_matches('#')
    } else {
        body
    };
    let hashes = body.len() - unhashed.len();
    let inside = unhashed.strip_prefix('"')?;
    let length = if is_raw {
        raw_length(inside, hashes)
    } else {
        escaped_length(inside)
    };
    Some(prefix + hashes + 1 + length)
}

fn raw_length(inside: &str, hashes: usize) -> usize {
    let end = format!("\"{}", "#".repeat(hashes));
    inside.find(&end).map_or(inside.len(), |at| at + end.len())
}

fn escaped_length(inside: &str) -> usize {
    let mut characters = inside.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            '"' => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

/// The length of a character literal; `None` when the quote starts a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut characters = rest.char_indices().skip(1);
    let (_, first) = characters.next()?;
    if first == '\\' {
        characters.next()?; // the escaped character, which may be a quote
        return characters.find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
    }
    characters
        .next()
        .filter(|(_, c)| *c == '\'')
        .map(|(at, _)| at + 1)
}

#[test]
fn comments_and_strings_are_not_words() {
    let text = r##"
        // one
        /* two /* nested */ still */ three("four \" five", r#"six " seven"#, b"eight");
        let nine = '"'; let ten = '\''; fn eleven<'a>() {} // "twelve
        thirteen
    "##;
    let words: Vec<_> = tokens(text)
        .into_iter()
        .filter(|t| t.kind == Kind::Word)
        .collect();
    let names: Vec<_> = words.iter().map(|t| t.text).collect();
    let expected = [
        "three", "let", "nine", "let", "ten", "fn", "eleven", "a", "thirteen",
    ];
    assert_eq!(names, expected);
    assert_eq!(words.last().map(|t| t.line), Some(5));
}

#[test]
fn an_unfinished_token_ends_with_the_text() {
    for text in ["\"open", "r#\"open\"", "/* open", "'", "'\\", "// open"] {
        assert_eq!(
            tokens(text).iter().map(|t| t.text.len()).sum::<usize>(),
            text.len(),
            "{text}"
        );
    }
}

#[test]
fn a_test_module_is_left_out_and_nothing_else() {
    let text = "
        a();
        #[cfg(test)] #[expect(x)] mod tests { fn f() { b() } }
        #[cfg(test)] fn helper() { c() }
        #[cfg(test)] mod tests;
        d();
    ";
    let code = code(text);
    let kept: Vec<_> = outside_test_modules(&code).iter().map(|t| t.text).collect();
    for (name, is_kept) in [("a", true), ("b", false), ("c", true), ("d", true)] {
        assert_eq!(kept.contains(&name), is_kept, "{name}");
    }
}
