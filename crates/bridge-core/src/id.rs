//! Names, numbers and instants: what identifies a thing.

mod name;
mod number;
mod prefixed;

pub use name::{ChannelName, ClientId, IdempotencyKey, InvalidName, RESERVED_NAMES, RoomId};
pub(crate) use name::{author, is_name_char, parse_string};
pub use number::{Incarnation, Moment, Seq, Timestamp};
pub use prefixed::{
    CritiqueId, DecisionId, Epoch, InvalidId, MessageId, RequestId, SessionId, TokenId,
};
