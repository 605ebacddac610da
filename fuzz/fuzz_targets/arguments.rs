//! Whatever the arguments of a command are, it is one command, and imap-codec reads what was meant.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    imap_duplex_fuzz::arguments(data);
});
