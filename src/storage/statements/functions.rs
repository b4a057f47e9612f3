//! Functions that both databases have under the same name. Declared, they leave a statement one that
//! is prepared once; SQL in a string would be parsed for each record.

use diesel::sql_types::{BigInt, Nullable, Text};

diesel::define_sql_function! {
    /// A time, or another one.
    #[sql_name = "coalesce"]
    fn time_or(time: Nullable<BigInt>, other: BigInt) -> BigInt;
}

diesel::define_sql_function! {
    /// A text, or another one.
    #[sql_name = "coalesce"]
    fn text_or(text: Nullable<Text>, other: Text) -> Text;
}
