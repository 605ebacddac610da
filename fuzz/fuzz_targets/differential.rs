//! What two other parsers both accept is accepted, and means the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    imap_duplex_fuzz::differential(data);
});
