//! The cursor of a mailbox: what one call returned, which the next call confirms.

use std::fmt;
use std::str::FromStr;

use bridge_core::mailbox::Batch;
use bridge_core::{Epoch, Seq};
use serde::{Deserialize, Deserializer};

/// What one call returned. Opaque to clients: `EPOCH:FIRST-LAST:BROADCAST:RECEIPTS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxCursor {
    /// Which life of the log it is of.
    pub epoch: Epoch,
    /// The messages.
    pub batch: Option<Batch>,
    /// The last message to `all`.
    pub broadcast: Seq,
    /// The last receipt.
    pub receipts: Seq,
}

/// A text that is not the `next` of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next` of an earlier answer")]
pub struct InvalidCursor;

impl fmt::Display for MailboxCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self
            .batch
            .map_or((Seq::ZERO, Seq::ZERO), |batch| (batch.first, batch.last));
        let (epoch, broadcast, receipts) = (self.epoch, self.broadcast, self.receipts);
        write!(f, "{epoch}:{first}-{last}:{broadcast}:{receipts}")
    }
}

impl FromStr for MailboxCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let parts: Vec<&str> = text.splitn(5, ':').collect();
        let [epoch, batch, broadcast, receipts] = parts[..] else {
            return Err(InvalidCursor);
        };
        let (first, last) = batch.split_once('-').ok_or(InvalidCursor)?;
        let batch = Batch {
            first: seq(first)?,
            last: seq(last)?,
        };
        Ok(Self {
            epoch: epoch.parse().map_err(|_| InvalidCursor)?,
            batch: (batch.last > Seq::ZERO).then_some(batch),
            broadcast: seq(broadcast)?,
            receipts: seq(receipts)?,
        })
    }
}

fn seq(digits: &str) -> Result<Seq, InvalidCursor> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidCursor);
    }
    // Numbers that no log has would only be compared; those that the store cannot hold, not even
    // that.
    let number: u64 = digits.parse().map_err(|_| InvalidCursor)?;
    i64::try_from(number).map_err(|_| InvalidCursor)?;
    Ok(Seq::new(number))
}

impl<'de> Deserialize<'de> for MailboxCursor {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let batch = Batch {
            first: Seq::new(7),
            last: Seq::new(9),
        };
        for batch in [None, Some(batch)] {
            let cursor = MailboxCursor {
                epoch: Epoch::from_uuid(Uuid::from_u128(1)),
                batch,
                broadcast: Seq::new(3),
                receipts: Seq::ZERO,
            };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let epoch = Epoch::from_uuid(Uuid::from_u128(1));
        for bad in [
            String::new(),
            "1".to_owned(),
            format!("{epoch}:1-2:3"),
            format!("{epoch}:1-2:3:4:5"),
            format!("{epoch}:1:3:4"),
            format!("{epoch}:-1-2:3:4"),
            format!("{epoch}:1-+2:3:4"),
            format!("{epoch}:1-99999999999999999999:3:4"),
            format!("{epoch}:1-{}:3:4", u64::MAX),
            "ep_7:1-2:3:4".to_owned(),
        ] {
            assert_eq!(bad.parse::<MailboxCursor>(), Err(InvalidCursor), "{bad:?}");
        }
    }
}
