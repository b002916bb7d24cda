//! Lists as people, JSON, YAML and shells write them.
#![allow(clippy::unwrap_used)]

use super::*;

fn items(text: &str) -> Option<Vec<String>> {
    list_items(&Raw::Text(text.to_owned())).ok()
}

#[test]
fn a_list_is_taken_in_every_usual_spelling() {
    for text in [
        "a,b",
        " a , b ",
        "a,b,",
        ",a,,b",
        r#"["a","b"]"#,
        r#"["a", "b"]"#,
        "['a', 'b']",
        "[a, b,]",
        "[ \"a\" , b ]\r",
        r#""a","b""#,
        "a,b\n",
    ] {
        assert_eq!(items(text).unwrap(), ["a", "b"], "{text}");
    }
    assert_eq!(items(r#"["a,b", 'c"d']"#).unwrap(), ["a,b", "c\"d"]);
    assert_eq!(items("'a'").unwrap(), ["a"]);
    assert_eq!(items("a\"b,it's").unwrap(), ["a\"b", "it's"], "a quote within an item belongs to it");
    for nothing in ["", "[]", "[ ]", "[]\r\n"] {
        assert_eq!(items(nothing).unwrap(), [""; 0], "{nothing}");
    }
}

/// An empty list of keys would open the hub to all.
#[test]
fn what_holds_something_but_no_item_is_refused() {
    for text in [" ", "\n", ",", " , ,", "\"\"", "''", "[\"\"]", "[,]"] {
        assert_eq!(items(text), None, "{text:?}");
    }
    assert!(list_items(&Raw::List(vec![" ".to_owned()])).is_err());
}

#[test]
fn what_is_not_closed_is_refused() {
    for text in ["[a", "a]", "[", "]", "[\"a]", "\"a", "'a\"", "\"a\"b", "[a],b"] {
        assert_eq!(items(text), None, "{text:?}");
    }
}
