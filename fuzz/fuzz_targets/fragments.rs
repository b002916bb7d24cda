#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| framehub_wire::fuzz::fragments(data));
