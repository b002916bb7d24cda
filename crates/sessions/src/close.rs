//! What the close frames between a simulator, the hub and the clients mean.

use hub::{Closed, PublishError};
use net::ws::{Close, close};

/// What the simulator receives when the session loses its stream.
pub(crate) fn of_lost_stream(lost: &PublishError) -> Close {
    match lost {
        PublishError::Closed { reason: Closed::ShuttingDown, .. } => {
            Close::new(close::GOING_AWAY, "the hub is shutting down")
        }
        _ => Close::new(close::NORMAL, "the session has ended"),
    }
}

/// Whether a simulator's close is about the signalling, and so for the clients. The other codes say that the simulator
/// went away or broke: then it is connected again. A server that is stopped in good order says 1000 as well as 1001 or
/// nothing at all.
pub(crate) fn is_an_answer(close: &Close) -> bool {
    matches!(close.code, Some(1002 | 1003 | 1007..=1010 | 3000..=4999))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_an_answer_or_a_loss() {
        let is_an_answer = |code| is_an_answer(&Close { code, reason: String::new() });
        for answer in [1002, 1003, 1008, 1009, 3000, 4001, 4999] {
            assert!(is_an_answer(Some(answer)), "{answer}");
        }
        for loss in [
            None,
            Some(1000),
            Some(1001),
            Some(1005),
            Some(1006),
            Some(1011),
            Some(1012),
            Some(1013),
            Some(2999),
        ] {
            assert!(!is_an_answer(loss), "{loss:?}");
        }
    }
}
