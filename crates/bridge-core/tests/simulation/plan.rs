//! What sort of world a seed is.

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rooms: usize,
    pub(crate) clients: usize,
    pub(crate) readers: usize,
    pub(crate) ticks: usize,
    /// New requests in one tick, at most.
    pub(crate) requests_max: usize,
    /// One batch in so many fails in one way or another.
    pub(crate) fault_one_in: usize,
    /// One tick in so many kills an owner; one in ten times as many, the process.
    pub(crate) crash_one_in: usize,
    /// Records that a tail holds: small ones make readers go back to the store.
    pub(crate) tail_records_max: usize,
    /// Whether the log says now and then that it has stored what it has not.
    pub(crate) lies: bool,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let usual = Self {
            rooms: 3,
            clients: 5,
            readers: 5,
            ticks: 350,
            requests_max: 3,
            fault_one_in: 8,
            crash_one_in: 60,
            tail_records_max: 6,
            lies: false,
        };
        match seed % 8 {
            // Long enough for keys to fall out of the room's memory, in one room.
            7 => Self {
                rooms: 1,
                ticks: 900,
                requests_max: 6,
                crash_one_in: 400,
                tail_records_max: 64,
                ..usual
            },
            // Hell.
            3 => Self {
                fault_one_in: 2,
                crash_one_in: 12,
                ..usual
            },
            // Heaven.
            5 => Self {
                fault_one_in: 10_000,
                crash_one_in: 100_000,
                ..usual
            },
            _ => usual,
        }
    }
}
