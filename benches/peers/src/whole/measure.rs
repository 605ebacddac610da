//! What a client's process takes: processor time of all its threads, time by the clock, the peak of
//! its memory, allocations. On Linux.

use std::fs;

use crate::count;

/// What one client took at one work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Processor time, in ns.
    pub cpu: u64,
    /// Time by the clock, in ns; for W6 the sum of the times at which changes were received.
    pub wall: u64,
    /// The peak of memory, in kB; for W7 a connection's share.
    pub peak: u64,
    pub allocations: u64,
    /// How often a thread gave up its processor, to wait for what another does or for the network.
    pub switches: u64,
}

/// The beginning of what is measured.
pub struct Begin {
    cpu: u64,
    wall: u64,
    allocations: usize,
    switches: u64,
}

impl Begin {
    pub fn now() -> Self {
        Self { cpu: on_processor(), wall: clock(), allocations: count::allocations(), switches: switches() }
    }

    pub fn end(self) -> Figures {
        Figures {
            cpu: on_processor() - self.cpu,
            wall: clock() - self.wall,
            peak: peak(),
            allocations: u64::try_from(count::allocations() - self.allocations).unwrap_or(u64::MAX),
            switches: switches().saturating_sub(self.switches),
        }
    }
}

/// The clock that all processes of the machine share, in ns.
pub fn clock() -> u64 {
    nanos(rustix::time::ClockId::Monotonic)
}

fn on_processor() -> u64 {
    nanos(rustix::time::ClockId::ProcessCPUTime)
}

fn nanos(of: rustix::time::ClockId) -> u64 {
    let time = rustix::time::clock_gettime(of);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).expect("it runs forwards")
}

/// The most memory that the process has had, its program included, in kB.
pub fn peak() -> u64 {
    of_status("VmHWM:")
}

/// What the process has allocated in memory now, in kB.
pub fn resident() -> u64 {
    of_status("RssAnon:")
}

/// What of files is in memory now, in kB: the program itself and its libraries.
pub fn of_files() -> u64 {
    of_status("RssFile:")
}

/// Of all threads that run yet.
fn switches() -> u64 {
    let threads = fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let statuses = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    let count = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    };
    statuses.filter_map(count).sum()
}

fn of_status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it is there");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number")
}
