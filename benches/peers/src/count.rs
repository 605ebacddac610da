//! Counts allocations, and bytes where they are asked for. The only place with unsafe code in this
//! repository: an allocator can't be written without.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
/// Bytes are counted, too. They are not while time is measured: it would cost those most who
/// allocate most.
static BYTES: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

/// The system's allocator, counted. A block that grows counts again: it may have been moved.
struct Counting;

// SAFETY: each call is handed on to the system's allocator as it is; nothing but a counter is
// added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        grow(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the block is the system's, since all are.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        grow(size);
        shrink(layout.size());
        // SAFETY: the block is the system's, since all are.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// How many allocations there have been.
pub fn allocations() -> usize {
    ALLOCATIONS.load(Ordering::Relaxed)
}

fn grow(bytes: usize) {
    if BYTES.load(Ordering::Relaxed) {
        let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
        PEAK.fetch_max(live, Ordering::Relaxed);
    }
}

fn shrink(bytes: usize) {
    if BYTES.load(Ordering::Relaxed) {
        LIVE.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Bytes are counted from now on.
pub fn count_bytes() {
    // So that it stays above zero, whatever is freed that was not counted.
    LIVE.store(1 << 30, Ordering::Relaxed);
    BYTES.store(true, Ordering::Relaxed);
}

/// How many bytes are in use.
pub fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// The peak is looked for from now on.
pub fn begin_peak() {
    PEAK.store(live(), Ordering::Relaxed);
}

/// How many bytes were in use at the most.
pub fn peak() -> usize {
    PEAK.load(Ordering::Relaxed)
}
