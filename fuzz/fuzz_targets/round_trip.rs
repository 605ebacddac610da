//! What one end writes, the other reads, and it is the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imap_duplex::fuzz::round_trip(data));
