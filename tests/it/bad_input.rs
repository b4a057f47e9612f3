//! What is wrong is refused with its place, changes nothing, and ends a session only when the
//! connection makes no sense any more.

mod bodies;
mod decisions;
mod frames;
mod http;
mod table;
mod tokens;
