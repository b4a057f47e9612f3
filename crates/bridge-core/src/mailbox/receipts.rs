//! What is kept for a client until it is told, and how far it has read the broadcast stream.

use crate::event::{BroadcastsRead, Event, ReceiptKept, ReceiptsTold};
use crate::id::Seq;
use crate::limits;
use crate::mailbox::command::KeepReceipt;
use crate::mailbox::{Mailbox, must_be_system};
use crate::principal::Principal;
use crate::reject::Reject;

impl Mailbox {
    pub(super) fn decide_keep_receipt(
        &self,
        keep: &KeepReceipt,
        by: &Principal,
    ) -> Result<Vec<Event>, Reject> {
        must_be_system(by)?;
        Ok(vec![Event::ReceiptKept(keep.receipt.clone())])
    }

    pub(super) fn decide_receipts_told(
        &self,
        through: Seq,
        by: &Principal,
    ) -> Result<Vec<Event>, Reject> {
        must_be_system(by)?;
        let has_some = self.receipts.range(..=through).next().is_some();
        Ok(if has_some {
            vec![Event::ReceiptsTold(ReceiptsTold { through })]
        } else {
            Vec::new()
        })
    }

    pub(super) fn decide_broadcasts_read(
        &self,
        through: Seq,
        by: &Principal,
    ) -> Result<Vec<Event>, Reject> {
        must_be_system(by)?;
        Ok(if through > self.broadcasts_read {
            vec![Event::BroadcastsRead(BroadcastsRead { through })]
        } else {
            Vec::new()
        })
    }

    pub(super) fn apply_receipt(&mut self, receipt: &ReceiptKept, at: Seq) {
        if self.receipts.len() == limits::RECEIPTS_KEPT_MAX {
            self.receipts.pop_first();
        }
        self.receipts.insert(at, receipt.clone());
    }
}
