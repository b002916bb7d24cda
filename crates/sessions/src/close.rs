//! The end of a WebSocket, as one side said it to the other.

use std::fmt;

use hub::{Closed, PublishError};

/// Code and reason of a close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// RFC 6455, section 7.4; `None`: the peer sent none.
    pub code: Option<u16>,
    pub reason: String,
}

impl Close {
    pub(crate) fn new(code: u16, reason: &str) -> Self {
        Self { code: Some(code), reason: reason.to_owned() }
    }

    /// Of a close frame's payload.
    pub(crate) fn read(payload: &[u8]) -> Self {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return Self { code: None, reason: String::new() };
        };
        Self { code: Some(u16::from_be_bytes(*code)), reason: String::from_utf8_lossy(reason).into_owned() }
    }

    /// What the simulator receives when the session loses its stream.
    pub(crate) fn of_lost_stream(lost: &PublishError) -> Self {
        match lost {
            PublishError::Closed { reason: Closed::ShuttingDown, .. } => {
                Self::new(1001, "the hub is shutting down")
            }
            _ => Self::new(1000, "the session has ended"),
        }
    }

    /// Whether it is about the signalling, and so for the clients. The other codes say that the simulator went away or
    /// broke: then it is connected again.
    pub(crate) fn is_an_answer(&self) -> bool {
        matches!(self.code, Some(1000 | 1002 | 1003 | 1007..=1010 | 3000..=4999))
    }
}

/// ` (4001 "robot is busy")`
impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, &*self.reason) {
            (None, _) => Ok(()),
            (Some(code), "") => write!(f, " ({code})"),
            (Some(code), reason) => write!(f, " ({code} {reason:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_an_answer_or_a_loss() {
        let close = |code| Close { code, reason: String::new() };
        for answer in [1000, 1003, 1008, 1009, 3000, 4001, 4999] {
            assert!(close(Some(answer)).is_an_answer(), "{answer}");
        }
        for loss in [None, Some(1001), Some(1005), Some(1006), Some(1011), Some(1012), Some(1013), Some(2999)]
        {
            assert!(!close(loss).is_an_answer(), "{loss:?}");
        }
    }

    #[test]
    fn a_close_frame_is_read() {
        assert_eq!(Close::read(b""), Close { code: None, reason: String::new() });
        assert_eq!(Close::read(b"\x0f\xa1busy"), Close::new(4001, "busy"));
        assert_eq!(format!("closed{}", Close::new(4001, "busy")), "closed (4001 \"busy\")");
        assert_eq!(format!("closed{}{}", Close::new(1001, ""), Close::read(b"x")), "closed (1001)");
    }
}
