//! Counted permits: how a queue is bounded in number and in bytes.
//!
//! A permit travels with what it admits and is given back when that is dropped, however it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound on how many things, and how many bytes of them, are under way.
#[derive(Debug, Clone)]
pub struct Permits(Arc<Gauge>);

#[derive(Debug)]
struct Gauge {
    count: AtomicUsize,
    bytes: AtomicUsize,
    count_max: usize,
    bytes_max: usize,
}

/// The right of one thing to be under way.
#[derive(Debug)]
pub struct Permit {
    gauge: Arc<Gauge>,
    bytes: usize,
}

impl Permits {
    /// A bound.
    #[must_use]
    pub fn new(count_max: usize, bytes_max: usize) -> Self {
        let (count, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(Gauge {
            count,
            bytes,
            count_max,
            bytes_max,
        }))
    }

    /// A permit for something of this many bytes, or none when the bound is reached. Something
    /// larger than the whole bound is admitted when nothing else is under way.
    #[must_use]
    pub fn acquire(&self, bytes: usize) -> Option<Permit> {
        let gauge = &self.0;
        let permit = Permit {
            gauge: Arc::clone(gauge),
            bytes,
        };
        let count = gauge.count.fetch_add(1, Ordering::AcqRel);
        let held = gauge.bytes.fetch_add(bytes, Ordering::AcqRel);
        let fits = held == 0 || held.saturating_add(bytes) <= gauge.bytes_max;
        // Dropping the permit gives back what was just taken.
        (count < gauge.count_max && fits).then_some(permit)
    }

    /// How many things are under way.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.0.count.load(Ordering::Acquire)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gauge.count.fetch_sub(1, Ordering::AcqRel);
        self.gauge.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_bounded_in_number_and_bytes_and_given_back() {
        let permits = Permits::new(3, 10);
        let a = permits.acquire(4).expect("room for it");
        let b = permits.acquire(6).expect("room for it");
        assert!(permits.acquire(1).is_none(), "bytes");
        assert_eq!(permits.in_use(), 2, "a refusal leaves nothing behind");
        drop(b);
        let _c = permits.acquire(1).expect("room for it");
        let _d = permits.acquire(1).expect("room for it");
        assert!(permits.acquire(0).is_none(), "number");
        drop(a);
        assert!(permits.acquire(0).is_some());
    }

    #[test]
    fn the_largest_thing_passes_alone() {
        let permits = Permits::new(3, 10);
        let large = permits.acquire(50).expect("nothing else is under way");
        assert!(permits.acquire(1).is_none());
        drop(large);
        assert!(permits.acquire(10).is_some());
    }
}
