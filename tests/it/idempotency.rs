//! A repeat is answered with the original, and changes nothing.

mod posts;
mod requests;
