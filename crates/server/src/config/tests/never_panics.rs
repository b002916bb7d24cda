//! Whatever stands in a file, a variable or an argument, it is read or refused.

use std::path::Path;

use proptest::prelude::*;

use super::super::{environment, file};
use super::*;

#[test]
fn nesting_without_end_is_an_error_and_not_a_stack_overflow() {
    for text in ["[".repeat(100_000), "- ".repeat(100_000), "a: {".repeat(100_000)] {
        assert!(case().file(text).load().is_err());
    }
}

/// Text that comes near to a configuration.
fn near_yaml() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("server".to_owned()),
        Just("port".to_owned()),
        Just("api_keys".to_owned()),
        Just("5000".to_owned()),
        Just("true".to_owned()),
        "[a-z&*!|>'\"{}\\[\\],?#%@`-]{0,3}",
    ];
    let joint =
        prop_oneof![Just(": "), Just("\n"), Just("\n  "), Just("- "), Just("\t"), Just(" "), Just("---\n")];
    prop::collection::vec((word, joint), 0..30)
        .prop_map(|pairs| pairs.iter().map(|(w, j)| format!("{w}{j}")).collect())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(file in prop::collection::vec(any::<u8>(), 0..200), dotenv in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = case().file(file).dotenv(dotenv).load() {
            prop_assert!(!error.problems.is_empty());
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn nearly_yaml_never_panics(text in near_yaml()) {
        let path = Path::new("config.yaml");
        let lines = text.lines().count() + 1;
        for problem in file::parse(&text, path).problems {
            let (_, line) = problem.origin.rank();
            prop_assert!((1..=lines).contains(&line), "line {line} of {lines}");
        }
    }

    #[test]
    fn nearly_dotenv_never_panics(text in "[A-C_= \\n'\"\\\\$#]{0,60}") {
        let lines = text.lines().count() + 1;
        for problem in environment::parse_dotenv(&text, Path::new(".env")).problems {
            let (_, line) = problem.origin.rank();
            prop_assert!(line <= lines, "line {line} of {lines}");
        }
    }

    #[test]
    fn arbitrary_values_never_panic(value in "\\PC{0,20}") {
        let arguments: Vec<String> = keys().map(|key| format!("{}={value}", key.path())).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let _ = case().args(&arguments).load();
    }
}
