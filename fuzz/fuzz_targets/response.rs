//! Any bytes of a server become a typed response or an error, and never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imap_duplex::fuzz::response(data));
