//! `@name` in a text.

use std::collections::BTreeMap;

use crate::id::{ClientId, is_name_char};
use crate::limits;
use crate::room::Member;

/// The members whom a text calls, each once, in the order of the text. A name that is nobody's is
/// plain text; so is an `@` inside a word, as in a mail address.
pub(super) fn find(text: &str, members: &BTreeMap<ClientId, Member>) -> Vec<ClientId> {
    let mut found: Vec<ClientId> = Vec::new();
    for (at, _) in text.match_indices('@') {
        if found.len() == limits::MENTIONS_MAX {
            break;
        }
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        if let Some(client) = name_at(&text[at + 1..], members)
            && !found.contains(client)
        {
            found.push(client.clone());
        }
    }
    found
}

/// The longest member name that the text begins with. Punctuation may end a sentence as well as
/// a name (`@ann.`), so the shorter readings are tried too.
fn name_at<'m>(text: &str, members: &'m BTreeMap<ClientId, Member>) -> Option<&'m ClientId> {
    // Name characters are ASCII, so their number is also their length in bytes.
    let end = text
        .chars()
        .take(limits::NAME_CHARS_MAX)
        .take_while(|c| is_name_char(*c))
        .count();
    let mut name = &text[..end];
    loop {
        if let Ok(client) = name.parse::<ClientId>()
            && let Some((client, _)) = members.get_key_value(&client)
        {
            return Some(client);
        }
        name = name.strip_suffix(['.', '_', '-'])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Seq, Timestamp};
    use crate::policy::{Role, VoteWeight};

    fn members(names: &[&str]) -> BTreeMap<ClientId, Member> {
        let member = Member {
            role: Role::Participant,
            weight: VoteWeight::from_milli(1_000),
            requested_role: None,
            joined_at: Timestamp::default(),
            joined_seq: Seq::ZERO,
        };
        names
            .iter()
            .map(|name| (name.parse().expect("a valid name"), member.clone()))
            .collect()
    }

    #[test]
    fn members_are_found_in_any_text() {
        let members = members(&["ann", "bob.dev", "c_3-po"]);
        let table: [(&str, &[&str]); 12] = [
            ("hello @ann", &["ann"]),
            ("@Ann, @bob.dev: look", &["ann", "bob.dev"]),
            ("ask @ann.", &["ann"]),
            ("ask @bob.dev...", &["bob.dev"]),
            ("@c_3-po- @c_3-po", &["c_3-po"]),
            ("mail ann@ann.example", &[]),
            ("@nobody @", &[]),
            ("@annette is not ann", &[]),
            ("（@ann）你好", &["ann"]),
            ("你好@ann", &[]),
            ("@@ann", &["ann"]),
            ("", &[]),
        ];
        for (text, names) in table {
            let found = find(text, &members);
            let found: Vec<_> = found.iter().map(ClientId::as_str).collect();
            assert_eq!(found, names, "{text:?}");
        }
    }
}
