//! Tests of `token`.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

fn claims() -> impl Strategy<Value = Claim> {
    let key = any::<u64>().prop_map(Fingerprint);
    let scope = prop::sample::select(vec![Scope::Live, Scope::Signal, Scope::View, Scope::Admin]);
    let share = (scope, "[A-Za-z0-9_-]{1,64}", any::<u64>(), prop::option::of(key.clone())).prop_map(
        |(scope, stream, until, by)| Claim::Share { scope, stream: stream.parse().unwrap(), until, by },
    );
    let login = (key, any::<u64>(), any::<u64>())
        .prop_map(|(key, until, nonce)| Claim::Login(LoginId { until, key, nonce }));
    prop_oneof![share, login, any::<u64>().prop_map(|until| Claim::Ticket { until })]
}

proptest! {
    #[test]
    fn what_was_signed_is_read_back(claim in claims(), secret: Vec<u8>) {
        let secret = SigningSecret::new(secret);
        let token = claim.sign(&secret).unwrap();
        prop_assert!(token.len() <= LONGEST);
        prop_assert_eq!(Claim::verify(&token, &secret), Some(claim));
    }

    #[test]
    fn a_changed_token_is_none(claim in claims(), at: prop::sample::Index, byte in "[A-Za-z0-9_.-]") {
        let secret = SigningSecret::new(*b"secret");
        let token = claim.sign(&secret).unwrap();
        let mut changed = token.clone();
        let at = at.index(token.len());
        changed.replace_range(at..=at, &byte);
        prop_assume!(changed != token);
        prop_assert_eq!(Claim::verify(&changed, &secret), None);
    }

    #[test]
    fn any_text_is_survived(text in ".{0,600}") {
        prop_assert_eq!(Claim::verify(&text, &SigningSecret::new(*b"secret")), None);
        let _read = Claim::parse(&text);
    }
}

#[test]
fn another_secret_does_not_verify() {
    let claim = Claim::Login(LoginId { until: 2, key: Fingerprint(1), nonce: 3 });
    let token = claim.sign(&SigningSecret::new(*b"one")).unwrap();
    assert_eq!(Claim::verify(&token, &SigningSecret::new(*b"two")), None);
}

#[test]
fn a_login_of_an_earlier_version_is_still_one() {
    let known = Claim::Login(LoginId { until: 99, key: Fingerprint(0xa1), nonce: 0 });
    assert_eq!(Claim::parse("login:00000000000000a1:99"), Some(known));
    assert_eq!(Claim::parse("login:00000000000000a1:99:xyz"), None);
}
