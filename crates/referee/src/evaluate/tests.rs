//! Tests of `evaluate`.
#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn labels_are_read_and_mistakes_named() {
    let read = labels("\u{feff}phrase,winner\r\na_1,left\r\n\r\nb,abstain\r\n").unwrap();
    assert_eq!(read, [("a_1".to_owned(), Winner::Left), ("b".to_owned(), Winner::Abstain)]);
    for wrong in ["a,middle", "a", "../a,left", ",left", "C:a,left"] {
        let error = labels(&format!("phrase,winner\n{wrong}")).unwrap_err();
        assert_eq!(error, Error::Label { line: 2, text: wrong.to_owned() });
    }
    assert_eq!(labels("phrase,winner\n"), Err(Error::NoLabels));
}

#[test]
fn folds_are_even_and_shuffled() {
    let fold = shuffled(23, 5, 7);
    let counts: Vec<usize> = (0..5).map(|one| fold.iter().filter(|f| **f == one).count()).collect();
    assert_eq!(counts, [5, 5, 5, 4, 4]);
    assert_ne!(fold, shuffled(23, 5, 8));
}

/// Phrases whose winner follows from one feature, so that folds without them find it.
#[test]
fn what_can_be_learnt_is_learnt_from_the_others() {
    let phrase = |n: usize| {
        let side = if n.is_multiple_of(3) { 1.0 } else { -1.0 };
        let mut difference = [0.0; COUNT];
        difference[n % 2] = side * (1.0 + n as f64 / 10.0);
        let features = Features { left: [0.0; COUNT], right: [0.0; COUNT], difference };
        let referee = if side > 0.0 { Winner::Right } else { Winner::Left };
        Phrase {
            name: format!("day{}_{n}", n / 10),
            referee,
            verdict: Winner::Left,
            features: Some(features),
        }
    };
    let phrases: Vec<Phrase> = (0..30).map(phrase).collect();
    assert_eq!(agreement(&phrases), Share { agreed: 20, of: 30 });
    let result = cross_validate(&phrases, 10, 3).unwrap();
    assert_eq!((result.mean, result.lowest, result.deviation), (1.0, 1.0, 0.0));
    assert_eq!(result.days.len(), 3);
    assert!(result.days.iter().all(|(_, share)| *share == Share { agreed: 10, of: 10 }));
    assert_eq!(cross_validate(&phrases, 31, 3), Err(Error::Folds { folds: 31, phrases: 30 }));
}
