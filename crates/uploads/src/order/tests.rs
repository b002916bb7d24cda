//! Tests of `order`.
#![allow(clippy::unwrap_used)]
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn of(numbers: &[u64]) -> Order {
    let mut order = Order::default();
    for &number in numbers {
        order.take(number);
    }
    order
}

#[test]
fn gaps_are_ranges() {
    let order = of(&[0, 1, 5, 6, 9]);
    assert_eq!(order.gaps().collect::<Vec<_>>(), [2..=4, 7..=8]);
    assert_eq!((order.count, order.missing(), order.next_missing()), (5, 5, 2));
    assert_eq!((of(&[]).missing(), of(&[]).next_missing(), of(&[3]).next_missing()), (0, 0, 0));
}

#[test]
fn a_huge_number_costs_a_range() {
    let order = of(&[0, 1_000_000_000, u64::MAX]);
    assert_eq!(order.runs.len(), 3);
    assert_eq!(of(&[0, 1_000_000_000]).missing(), 999_999_999);
    assert!(order.missing() > u64::MAX - 9, "no overflow");
    assert_eq!(order.first_from(1), Some(1_000_000_000));
}

#[test]
fn an_analysis_waits_for_a_gap_for_a_while() {
    let mut cursor = Cursor::default();
    assert_eq!(cursor.step(&of(&[]), false), Step::Wait);
    assert_eq!(cursor.step(&of(&[0, 2]), false), Step::Take(0));
    cursor.taken(0);
    assert_eq!(cursor.step(&of(&[0, 2]), false), Step::Wait);
    assert_eq!(cursor.step(&of(&[0, 2]), true), Step::Take(2));
    let many: Vec<u64> = (2..34).collect();
    assert_eq!(cursor.step(&of(&many[1..]), false), Step::Wait);
    assert_eq!(cursor.step(&of(&many), false), Step::Take(2));
    cursor.taken(33);
    assert!(cursor.is_late(1) && !cursor.is_late(34));
    cursor.begin_again();
    assert_eq!(cursor.step(&of(&many), false), Step::Wait, "the second time it is patient");
    assert_eq!(cursor.step(&of(&many), true), Step::Take(2));
    cursor.taken(33);
    assert_eq!(cursor.step(&of(&many), true), Step::End);
}

proptest! {
    #[test]
    fn as_a_set_would_have_it(numbers in prop::collection::vec(0u64..40, 0..60), from in 0u64..45, wanted in 1u64..10) {
        let (mut order, mut set, mut duplicates, mut out_of_order) = (Order::default(), BTreeSet::new(), 0, 0);
        for number in numbers {
            let higher = set.last().is_some_and(|&last| last > number);
            let is_new = set.insert(number);
            prop_assert_eq!(order.take(number), is_new);
            duplicates += u64::from(!is_new);
            out_of_order += u64::from(is_new && higher);
        }
        prop_assert_eq!(order.count, set.len() as u64);
        prop_assert_eq!((order.duplicates, order.out_of_order), (duplicates, out_of_order));
        prop_assert_eq!((order.first(), order.last()), (set.first().copied(), set.last().copied()));
        prop_assert_eq!(order.next_missing(), (0..).find(|n| !set.contains(n)).unwrap());
        prop_assert_eq!(order.first_from(from), set.range(from..).next().copied());
        prop_assert_eq!(order.has_from(from, wanted), set.range(from..).count() as u64 >= wanted);
        let missing: Vec<u64> = order.gaps().flatten().collect();
        let inside = set.first().copied().unwrap_or(0)..set.last().copied().unwrap_or(0);
        prop_assert_eq!(&missing, &inside.filter(|n| !set.contains(n)).collect::<Vec<_>>());
        prop_assert_eq!(order.missing(), missing.len() as u64);
    }

    /// However frames arrive, all of them are taken in order once they are complete.
    #[test]
    fn all_are_taken_in_order(numbers in prop::collection::vec(0u64..200, 1..150)) {
        let (mut order, mut cursor, mut taken) = (Order::default(), Cursor::default(), Vec::new());
        let drain = |order: &Order, cursor: &mut Cursor, taken: &mut Vec<u64>, complete| {
            while let Step::Take(number) = cursor.step(order, complete) {
                cursor.taken(number);
                taken.push(number);
            }
        };
        for number in numbers {
            if order.take(number) && cursor.is_late(number) {
                cursor.begin_again();
                taken.clear();
            }
            drain(&order, &mut cursor, &mut taken, false);
        }
        drain(&order, &mut cursor, &mut taken, true);
        let all: Vec<u64> = (0..200).filter(|&n| order.contains(n)).collect();
        prop_assert_eq!(taken, all);
    }
}
