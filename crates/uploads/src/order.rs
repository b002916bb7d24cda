//! Which frames have come: numbers as ranges, so that a gap costs nothing however wide it is.

use std::{collections::BTreeMap, ops::RangeInclusive};

/// The numbers that have come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// First to last number of each run without a gap; runs do not touch.
    runs: BTreeMap<u64, u64>,
    /// Different numbers.
    pub(crate) count: u64,
    pub(crate) duplicates: u64,
    /// Numbers that came after a higher one.
    pub(crate) out_of_order: u64,
}

impl Order {
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.runs.range(..=number).next_back().is_some_and(|(_, &last)| last >= number)
    }

    /// Notes a number; false: it has come before.
    pub(crate) fn take(&mut self, number: u64) -> bool {
        if self.contains(number) {
            self.duplicates += 1;
            return false;
        }
        if self.last().is_some_and(|last| number < last) {
            self.out_of_order += 1;
        }
        self.count += 1;
        let before = number.checked_sub(1).and_then(|n| self.run_ending_at(n));
        let after = number.checked_add(1).and_then(|n| self.runs.remove(&n));
        self.runs.insert(before.unwrap_or(number), after.unwrap_or(number));
        true
    }

    fn run_ending_at(&self, number: u64) -> Option<u64> {
        let (&first, &last) = self.runs.range(..=number).next_back()?;
        (last == number).then_some(first)
    }

    pub(crate) fn first(&self) -> Option<u64> {
        self.runs.first_key_value().map(|(&first, _)| first)
    }

    pub(crate) fn last(&self) -> Option<u64> {
        self.runs.last_key_value().map(|(_, &last)| last)
    }

    /// The lowest number that has not come.
    pub(crate) fn next_missing(&self) -> u64 {
        match self.runs.first_key_value() {
            Some((0, &last)) => last.saturating_add(1),
            _ => 0,
        }
    }

    /// The lowest number from `from` on that has come.
    pub(crate) fn first_from(&self, from: u64) -> Option<u64> {
        if self.contains(from) {
            return Some(from);
        }
        self.runs.range(from..).next().map(|(&first, _)| first)
    }

    /// Whether at least `wanted` numbers from `from` on have come.
    pub(crate) fn has_from(&self, from: u64, wanted: u64) -> bool {
        let Some(start) = self.first_from(from) else { return false };
        let within = self.runs.range(..=start).next_back().map_or(0, |(_, &last)| last - start + 1);
        let mut found = within;
        for (first, last) in self.runs.range(start.saturating_add(1)..) {
            if found >= wanted {
                break;
            }
            found = found.saturating_add(last - first + 1);
        }
        found >= wanted
    }

    /// Between the first and the last number.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = RangeInclusive<u64>> {
        let starts = self.runs.keys().skip(1);
        self.runs.values().zip(starts).map(|(&last, &next)| last + 1..=next - 1)
    }

    /// Numbers in the gaps.
    pub(crate) fn missing(&self) -> u64 {
        match (self.first(), self.last()) {
            (Some(first), Some(last)) => (last - first).saturating_add(1).saturating_sub(self.count),
            _ => 0,
        }
    }
}

/// Where an analysis stands in the order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// All that came below it are taken.
    next: u64,
    /// Whether gaps are waited for until all frames are sent.
    patient: bool,
}

/// What an analysis does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Take(u64),
    /// What is to come next has not come yet.
    Wait,
    /// All have been taken.
    End,
}

impl Cursor {
    /// A client that reorders has sent what is missing long before so many more: on one connection nothing is lost, so
    /// a gap is usually a frame that its camera dropped, and waiting for it would hold up everything.
    const PATIENCE: u64 = 32;

    pub(crate) fn step(&self, order: &Order, complete: bool) -> Step {
        match order.first_from(self.next) {
            None if complete => Step::End,
            None => Step::Wait,
            Some(number) if number == self.next || complete => Step::Take(number),
            Some(number) if !self.patient && order.has_from(self.next, Self::PATIENCE) => Step::Take(number),
            Some(_) => Step::Wait,
        }
    }

    pub(crate) fn taken(&mut self, number: u64) {
        self.next = number.saturating_add(1);
    }

    /// Whether a number that comes now belongs before what has been taken.
    pub(crate) fn is_late(&self, number: u64) -> bool {
        number < self.next
    }

    /// From the beginning, and without passing over a gap again.
    pub(crate) fn begin_again(&mut self) {
        *self = Self { next: 0, patient: true };
    }
}

#[cfg(test)]
mod tests {
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
}
