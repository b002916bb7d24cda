//! Tests of `key_entries`.
#![allow(clippy::unwrap_used)]
use super::*;

fn entry(fields: &[(&str, &str)]) -> Entry {
    let field = |(name, value): &(&str, &str)| ((*name).to_owned(), Raw::Text((*value).to_owned()));
    Entry { line: 7, fields: fields.iter().map(field).collect() }
}

fn wrong(fields: &[(&str, &str)]) -> String {
    read(&[entry(fields)]).unwrap_err()
}

#[test]
fn a_key_is_read_with_all_its_fields() {
    let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let both = [
        entry(&[
            ("name", "door"),
            ("secret", "long-enough"),
            ("scopes", "view, record"),
            ("streams", "cam-*,yard"),
            ("expires", "2027-01-31T18:00:00+01:00"),
        ]),
        entry(&[("sha256", hash), ("scopes", "admin")]),
    ];
    let keys = read(&both).unwrap();
    assert_eq!((keys[0].name.as_str(), keys[1].name.as_str()), ("door", "key 2"));
    assert_eq!(keys[0].digest, Key::digest_of("long-enough"));
    assert_eq!(keys[1].digest, Key::digest_of("secret"));
    assert!(keys[0].scopes.contain(Scope::Record) && !keys[0].scopes.contain(Scope::Publish));
    assert_eq!(keys[0].streams, ["cam-*".parse().unwrap(), "yard".parse().unwrap()]);
    assert_eq!(keys[1].streams, [StreamPattern::every()]);
    assert_eq!(keys[0].expires, Some("2027-01-31T17:00:00Z".parse::<jiff::Timestamp>().unwrap().into()));
    assert_eq!(keys[1].expires, None);
}

#[test]
fn what_is_wrong_with_a_key_is_said_without_its_secret() {
    let secret = ("secret", "hush-hush-hush");
    let scopes = ("scopes", "view");
    assert_eq!(wrong(&[scopes]), "key 1 (line 7): it needs a secret, or its sha256");
    assert!(wrong(&[secret]).contains("it needs scopes"));
    assert!(wrong(&[secret, ("scopes", "watch")]).contains("\"watch\" is not a scope"));
    assert!(wrong(&[secret, scopes, ("sha256", "00")]).contains("both secret and sha256"));
    assert!(wrong(&[scopes, ("sha256", &"zz".repeat(32))]).contains("64 hexadecimal digits"));
    assert!(wrong(&[scopes, ("secret", "short")]).contains("fewer than 8 characters"));
    assert!(wrong(&[scopes, ("secret", "with a space")]).contains("visible ASCII"));
    assert!(wrong(&[secret, scopes, ("streams", "cam/*")]).contains("not a pattern"));
    assert!(wrong(&[secret, scopes, ("expires", "tomorrow")]).contains("RFC 3339"));
    assert!(wrong(&[secret, scopes, ("stream", "a")]).contains("did you mean streams?"));
    let twins = read(&[entry(&[secret, scopes]), entry(&[secret, scopes])]).unwrap_err();
    assert!(twins.contains("same secret as key 1"));
    assert!(!twins.contains("hush"));
}
