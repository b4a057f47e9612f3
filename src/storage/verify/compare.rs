//! Two databases, row by row.

use std::cmp::Ordering;
use std::collections::HashSet;

use bridge_core::ports::StoreError;

use super::finding::{Finding, Findings};
use crate::storage::row::StreamNumber;
use crate::storage::view::{Rows, Table, TableRow, View};

/// Compares everything that follows from the log with what a replay gives. What follows from streams
/// that could not be replayed to their end is left out.
pub(super) fn all(
    original: &mut dyn View,
    replay: &mut dyn View,
    damaged: &HashSet<StreamNumber>,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    for table in Table::ALL {
        let is_known = |row: &TableRow| match row.stream {
            Some(stream) => !damaged.contains(&stream),
            None => damaged.is_empty(),
        };
        let here = original.rows(table)?;
        let there = replay.rows(table)?;
        compare(table, here, there, is_known, findings)?;
    }
    Ok(())
}

/// Both come in the order of their keys.
fn compare(
    table: Table,
    here: Rows<'_, TableRow>,
    there: Rows<'_, TableRow>,
    is_known: impl Fn(&TableRow) -> bool,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let is_wanted = |row: &Result<TableRow, StoreError>| row.as_ref().map_or(true, &is_known);
    let mut here = here.filter(is_wanted);
    let mut there = there.filter(is_wanted);
    let mut one = here.next().transpose()?;
    let mut other = there.next().transpose()?;
    loop {
        let order = match (&one, &other) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.key.cmp(&other.key),
        };
        let finding = match (&one, &other) {
            (Some(one), Some(other)) if order == Ordering::Equal => different(table, one, other),
            (Some(one), _) if order == Ordering::Less => Some(Finding::Surplus {
                table: table.name(),
                key: key(one),
            }),
            (_, other) => other.as_ref().map(|other| Finding::Missing {
                table: table.name(),
                key: key(other),
            }),
        };
        if let Some(finding) = finding {
            findings.add(finding);
        }
        if order != Ordering::Greater {
            one = here.next().transpose()?;
        }
        if order != Ordering::Less {
            other = there.next().transpose()?;
        }
    }
}

fn different(table: Table, one: &TableRow, other: &TableRow) -> Option<Finding> {
    let columns: Vec<&str> = one
        .says
        .iter()
        .zip(&other.says)
        .filter(|(one, other)| one != other)
        .map(|((column, _), _)| *column)
        .collect();
    (!columns.is_empty()).then(|| Finding::Different {
        table: table.name(),
        key: key(one),
        columns: columns.join(", "),
    })
}

fn key(row: &TableRow) -> String {
    let parts: Vec<String> = row.key.iter().map(ToString::to_string).collect();
    format!("({})", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::view::KeyPart;

    fn row(key: i64, says: &str) -> TableRow {
        TableRow {
            key: vec![KeyPart::Number(key)],
            stream: Some(key),
            says: vec![("topic", says.to_owned()), ("name", "x".to_owned())],
        }
    }

    fn found(here: &[(i64, &str)], there: &[(i64, &str)]) -> Vec<String> {
        let rows = |rows: &[(i64, &str)]| -> Rows<'static, TableRow> {
            let rows: Vec<_> = rows.iter().map(|(key, says)| Ok(row(*key, says))).collect();
            Box::new(rows.into_iter())
        };
        let mut findings = Findings::default();
        let is_known = |row: &TableRow| row.stream != Some(9);
        compare(
            Table::Rooms,
            rows(here),
            rows(there),
            is_known,
            &mut findings,
        )
        .expect("rows");
        findings.kept().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_difference_is_found_once() {
        assert!(found(&[(1, "a"), (2, "b")], &[(1, "a"), (2, "b")]).is_empty());
        assert!(found(&[(9, "a")], &[]).is_empty(), "nothing is known of it");
        let all = found(
            &[(1, "a"), (2, "b"), (4, "d")],
            &[(2, "c"), (3, "c"), (4, "d"), (5, "e")],
        );
        assert_eq!(all.len(), 4, "{all:?}");
        assert!(
            all[0].starts_with("table rooms, row (1): it is there"),
            "{all:?}"
        );
        assert!(
            all[1].ends_with("row (2): a replay of the log gives another topic"),
            "{all:?}"
        );
        assert!(
            all[2].starts_with("table rooms, row (3): it is missing"),
            "{all:?}"
        );
        assert!(
            all[3].starts_with("table rooms, row (5): it is missing"),
            "{all:?}"
        );
    }
}
