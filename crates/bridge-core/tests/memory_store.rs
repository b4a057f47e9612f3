//! The store in memory keeps the contract, so what is tested with it is worth something.

use std::sync::Arc;

use bridge_core::Epoch;
use bridge_core::contract::{Bench, Opened};
use bridge_core::fake::{MemoryLog, MemoryStore};

struct Memory(MemoryStore);

impl Memory {
    fn new() -> Self {
        Self(MemoryStore::new(Epoch::from_uuid(uuid::Uuid::from_u128(1))))
    }
}

impl Bench for Memory {
    fn open(&self) -> Opened {
        let log = MemoryLog::new(self.0.clone());
        Opened {
            log: Box::new(log),
            store: Arc::new(self.0.clone()),
        }
    }
}

bridge_core::conformance!(memory, Memory::new());
