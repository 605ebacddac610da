//! However the bytes are cut, the frames are the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imap_duplex::fuzz::framer(data));
