//! What goes over the wire: frames, bodies and codes. Nothing here acts.

pub mod codes;
pub mod decode;
pub mod encode;
pub mod frame;
pub mod rest;
pub mod sse;
pub mod time;
