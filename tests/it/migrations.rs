//! Both databases go through the same migrations, under the same names.

use std::collections::BTreeSet;
use std::path::Path;

fn names(database: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(database);
    let entries = std::fs::read_dir(folder).expect("the migrations");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.into_string().expect("UTF-8"))
        .collect()
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = [names("sqlite"), names("postgres")];
    assert!(!names[0].is_empty());
    assert_eq!(names[0], names[1]);
}
