//! Whatever user, server, socket and clock do, everything ends, and nothing loops for ever.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imap_duplex::fuzz::engine(data));
