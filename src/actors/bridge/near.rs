//! Names that somebody may have meant.

use bridge_core::{ClientId, limits};

/// How alike two names must be, from 0 to 1: one wrong letter in four, two swapped ones, or a
/// missing end.
const ALIKE: f64 = 0.7;

/// The names that are most like one, best first, as far as they are like it at all.
pub(super) fn among(name: &ClientId, known: impl Iterator<Item = ClientId>) -> Vec<ClientId> {
    let wanted = name.folded();
    let mut rated: Vec<(f64, ClientId)> = known
        .map(|client| {
            let alike = strsim::normalized_damerau_levenshtein(&wanted, &client.folded());
            (alike, client)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    rated.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    let best = rated.into_iter().take(limits::NEAR_NAMES_MAX);
    best.map(|(_, client)| client).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(name: &str, known: &[&str]) -> Vec<String> {
        let parse = |name: &&str| name.parse().expect("a valid name");
        let found = among(&parse(&name), known.iter().map(parse));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_that_were_meant_are_offered_best_first() {
        let known = [
            "maya", "Maja", "ravi", "coder-1", "coder-2", "coder-11", "reviewer",
        ];
        assert_eq!(near("mya", &known), ["maya"]);
        assert_eq!(near("amya", &known), ["maya"]);
        assert_eq!(near("MAJA", &known), ["Maja", "maya"]);
        assert_eq!(near("coder-3", &known), ["coder-1", "coder-2", "coder-11"]);
        assert_eq!(near("reviwer", &known), ["reviewer"]);
        assert_eq!(near("nobody", &known), [""; 0]);
    }
}
