//! What a session's frames look like once all are sent: `session_ended.validation`.

use std::ops::RangeInclusive;

use wire::upload::Validation;

use crate::order::Order;

/// Fewer show no phrase.
const FEWEST: u64 = 10;
/// Gaps that are named; the others are counted.
const NAMED: usize = 10;

/// `total`: frames that the client counts as sent. `expected`: frames that it announced at the start.
pub(crate) fn of(order: &Order, total: Option<u64>, expected: Option<u64>, has_signal: bool) -> Validation {
    let count = order.count;
    let gaps = order.missing();
    let unseen = total.unwrap_or(0).saturating_sub(count.saturating_add(gaps));
    let mut issues = Vec::new();
    if gaps > 0 {
        issues.push(format!("{gaps} missing frames: {}", named(order)));
    }
    if unseen > 0 {
        issues.push(format!("{count} frames received, {} sent by the client's count", total.unwrap_or(0)));
    }
    if let Some(expected) = expected.filter(|&expected| count < expected) {
        issues.push(format!("{count} frames received, {expected} expected"));
    }
    if count < FEWEST {
        issues.push(format!("only {count} frames: a phrase has at least {FEWEST}"));
    }
    Validation {
        valid: issues.is_empty(),
        issues,
        frame_count: count,
        missing_frames: gaps.saturating_add(unseen),
        duplicate_frames: order.duplicates,
        out_of_order_frames: order.out_of_order,
        has_signal,
    }
}

fn named(order: &Order) -> String {
    let name = |gap: RangeInclusive<u64>| match (*gap.start(), *gap.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    let mut gaps = order.gaps();
    let mut text = gaps.by_ref().take(NAMED).map(name).collect::<Vec<_>>().join(", ");
    let others = gaps.count();
    if others > 0 {
        text.push_str(&format!(" and {others} other gaps"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(numbers: impl IntoIterator<Item = u64>) -> Order {
        let mut order = Order::default();
        for number in numbers {
            order.take(number);
        }
        order
    }

    #[test]
    fn whole_phrases_are_valid_from_0_or_from_1() {
        assert_eq!(of(&order(0..30), Some(30), Some(30), false).issues, [""; 0]);
        assert!(of(&order(1..31), Some(30), None, true).valid);
    }

    #[test]
    fn issues_are_named() {
        let torn = of(&order((0..30).filter(|n| ![3, 7, 8].contains(n))), Some(32), Some(60), false);
        assert!(!torn.valid);
        assert_eq!(
            torn.issues,
            [
                "3 missing frames: 3, 7-8",
                "27 frames received, 32 sent by the client's count",
                "27 frames received, 60 expected"
            ]
        );
        assert_eq!((torn.frame_count, torn.missing_frames), (27, 5));
        let few = of(&order([0, 0]), Some(1), None, false);
        assert_eq!(
            (few.duplicate_frames, &few.issues[..]),
            (1, &["only 1 frames: a phrase has at least 10".into()][..])
        );
        let many = of(&order((0..60).map(|n| n * 2)), None, None, false);
        assert!(many.issues[0].ends_with("17, 19 and 49 other gaps"), "{:?}", many.issues);
    }
}
