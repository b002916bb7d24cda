//! Tests of `cidr`.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

fn contains(block: &str, address: &str) -> bool {
    block.parse::<Cidr>().unwrap().contains(address.parse().unwrap())
}

#[test]
fn a_block_holds_what_begins_alike() {
    for (block, address, expected) in [
        ("10.0.0.0/8", "10.255.1.2", true),
        ("10.0.0.0/8", "11.0.0.0", false),
        ("10.0.0.0/8", "::ffff:10.1.1.1", true),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("::/0", "2001:db8::1", true),
        ("192.168.1.7", "192.168.1.7", true),
        ("192.168.1.7", "192.168.1.8", false),
        ("2001:db8::/33", "2001:db8:7fff::1", true),
        ("2001:db8::/33", "2001:db8:8000::1", false),
    ] {
        assert_eq!(contains(block, address), expected, "{address} in {block}");
    }
}

#[test]
fn an_ipv6_line_is_counted_as_one() {
    let counted = |text: &str| counted_as(text.parse().unwrap()).to_string();
    assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    assert_eq!(counted("::ffff:192.0.2.1"), "192.0.2.1");
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "[0-9a-f:./]{0,30}|.{0,20}") {
        if let Ok(block) = text.parse::<Cidr>() {
            prop_assert_eq!(block.to_string().parse::<Cidr>(), Ok(block));
            prop_assert!(block.contains(block.address) || block.address != block.address.to_canonical());
        }
    }
}
