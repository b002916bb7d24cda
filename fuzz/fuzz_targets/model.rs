#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| framehub_referee::fuzz::model(data));
