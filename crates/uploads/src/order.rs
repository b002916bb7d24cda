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
mod tests;
