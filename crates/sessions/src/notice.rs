//! The two kinds of message in which a session's clients learn how the connection to the simulator is.

use ingest::pull::State;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Status(String),
    Error(String),
}

impl Notice {
    /// From the states of the WebSocket and of the MJPEG stream; `None` while the session rests: it has no clients.
    pub(crate) fn of(socket: &State, mjpeg: &State) -> Option<Self> {
        let status = |text: &str| Some(Self::Status(text.to_owned()));
        match (socket, mjpeg) {
            (State::Resting | State::Ended { .. }, _) => None,
            (State::Live, _) => status("Connected to the simulator"),
            (State::Open, State::Live) => {
                status("Connected to the simulator; the pictures come from its MJPEG stream")
            }
            (State::Open, State::Failed { .. }) => status("Connected to the simulator; it sends no pictures"),
            (State::Open, _) => status("Connected to the simulator, waiting for a picture"),
            (_, State::Live) => {
                status("The pictures come from the simulator's MJPEG stream; its WebSocket is not connected")
            }
            (State::Connecting, _) => status("Connecting to the simulator"),
            (State::Failed { why, retry_in }, _) => {
                let secs = retry_in.as_secs_f64().ceil();
                Some(Self::Error(format!("No connection to the simulator: {why}. Trying again in {secs} s")))
            }
        }
    }

    /// About a picture that cannot be used.
    pub(crate) fn of_trouble(why: Option<&String>) -> Option<Self> {
        why.map(|why| Self::Error(format!("The simulator sent a picture that cannot be used: {why}")))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_state_has_its_words() {
        let failed = || State::Failed { why: "it is away".to_owned(), retry_in: Duration::from_millis(1200) };
        let said = |socket, mjpeg| match Notice::of(&socket, &mjpeg) {
            Some(Notice::Status(text)) => format!("status: {text}"),
            Some(Notice::Error(text)) => format!("error: {text}"),
            None => String::new(),
        };
        assert_eq!(said(State::Resting, State::Resting), "");
        assert_eq!(said(State::Connecting, State::Resting), "status: Connecting to the simulator");
        assert_eq!(said(State::Live, State::Resting), "status: Connected to the simulator");
        assert_eq!(
            said(failed(), failed()),
            "error: No connection to the simulator: it is away. Trying again in 2 s"
        );
        assert!(said(failed(), State::Live).starts_with("status: The pictures come from"));
        assert!(said(State::Open, failed()).ends_with("it sends no pictures"));
    }
}
