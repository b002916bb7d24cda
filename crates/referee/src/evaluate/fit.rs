//! Fits weights to features: logistic regression without a constant, shrunk a little, by Newton's method.

use crate::decision::features::COUNT;

/// How strongly weights are drawn to 0, in units of each feature's root mean square. From 1 to 12 the outcome is the same.
const RIDGE: f64 = 3.0;
/// Newton's method has long settled by then.
const STEPS: usize = 12;

type Row = [f64; COUNT];

/// The weights that explain the outcomes best. An outcome is 1 for the right fencer and -1 for the left one.
pub(crate) fn fit(rows: &[(Row, f64)]) -> Row {
    let scale = root_mean_squares(rows);
    let mut weights = [0.0; COUNT];
    for _ in 0..STEPS {
        let mut gradient = weights.map(|weight| -RIDGE * weight);
        let mut curvature: [Row; COUNT] =
            std::array::from_fn(|a| std::array::from_fn(|b| if a == b { RIDGE } else { 0.0 }));
        for (row, outcome) in rows {
            let z: Row = std::array::from_fn(|n| row[n] / scale[n]);
            let score: f64 = z.iter().zip(&weights).map(|(z, weight)| z * weight).sum();
            let doubt = 1.0 / (1.0 + (outcome * score).exp());
            for a in 0..COUNT {
                gradient[a] += outcome * doubt * z[a];
                for b in 0..COUNT {
                    curvature[a][b] += doubt * (1.0 - doubt) * z[a] * z[b];
                }
            }
        }
        let step = solve(curvature, gradient);
        weights = std::array::from_fn(|n| weights[n] + step[n]);
    }
    std::array::from_fn(|n| weights[n] / scale[n])
}

fn root_mean_squares(rows: &[(Row, f64)]) -> Row {
    let count = rows.len().max(1) as f64;
    std::array::from_fn(|n| (rows.iter().map(|(row, _)| row[n] * row[n]).sum::<f64>() / count).sqrt() + 1e-12)
}

/// Gaussian elimination. The matrix is positive definite (the ridge sees to it), so no rows need to be exchanged.
fn solve(mut matrix: [Row; COUNT], mut right: Row) -> Row {
    for pivot in 0..COUNT {
        for below in pivot + 1..COUNT {
            let factor = matrix[below][pivot] / matrix[pivot][pivot];
            let reduced = matrix[pivot].map(|value| factor * value);
            matrix[below] = std::array::from_fn(|n| matrix[below][n] - reduced[n]);
            right[below] -= factor * right[pivot];
        }
    }
    for row in (0..COUNT).rev() {
        let known: f64 = (row + 1..COUNT).map(|n| matrix[row][n] * right[n]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// At the best weights, the pull of the rows and of the ridge are in balance.
        #[test]
        fn the_fit_is_where_nothing_pulls(
            rows in proptest::collection::vec((proptest::array::uniform7(-3.0..3.0), any::<bool>()), 1..60)
        ) {
            let rows: Vec<(Row, f64)> = rows.into_iter().map(|(row, right)| (row, if right { 1.0 } else { -1.0 })).collect();
            let (weights, scale) = (fit(&rows), root_mean_squares(&rows));
            for n in 0..COUNT {
                let pull = |(row, outcome): &(Row, f64)| {
                    let score: f64 = row.iter().zip(&weights).map(|(x, weight)| x * weight).sum();
                    outcome * row[n] / scale[n] / (1.0 + (outcome * score).exp())
                };
                let sum: f64 = rows.iter().map(pull).sum();
                prop_assert!((sum - RIDGE * weights[n] * scale[n]).abs() < 1e-6);
            }
        }

        /// Swapping the fencers of a phrase changes nothing.
        #[test]
        fn a_mirrored_phrase_teaches_the_same(row in proptest::array::uniform7(-3.0..3.0)) {
            prop_assert_eq!(fit(&[(row, 1.0)]), fit(&[(row.map(|x| -x), -1.0)]));
        }
    }
}
