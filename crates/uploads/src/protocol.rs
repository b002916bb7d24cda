//! From messages to requests: a text that announces bytes and the binary message that follows are one request. Pure:
//! what a request does is the session's business.

use bytes::Bytes;
use wire::upload::{ClientMessage, ErrorCode, FrameHead, SessionEnd, SessionStart, SignalHead};

/// What a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Request {
    Start(SessionStart),
    Frame(FrameHead, Bytes),
    End(SessionEnd),
    Signal(SignalHead, Bytes),
    /// Of the named session, or of the connection's.
    Abort(Option<String>),
    Ping,
    /// Nothing that can be done.
    Wrong {
        code: ErrorCode,
        message: String,
    },
}

/// What the next binary message is.
#[derive(Debug, Default)]
enum Expected {
    #[default]
    Nothing,
    Frame(FrameHead),
    Signal(SignalHead),
    /// What belongs to a text that was refused: one error is enough.
    Orphan,
}

/// The protocol state of one connection.
#[derive(Debug, Default)]
pub(crate) struct ProtocolState {
    expected: Expected,
}

impl ProtocolState {
    /// Up to two: that announced bytes did not come, and the request in the text.
    pub(crate) fn text(&mut self, text: &str) -> Vec<Request> {
        let message = ClientMessage::parse(text);
        // It may come between a frame and its bytes.
        if matches!(message, Ok(ClientMessage::Ping)) {
            return vec![Request::Ping];
        }
        let mut requests: Vec<Request> = self.unfulfilled().into_iter().collect();
        match message {
            Ok(ClientMessage::SessionStart(start)) => requests.push(Request::Start(start)),
            Ok(ClientMessage::Frame(head)) => self.expected = Expected::Frame(head),
            Ok(ClientMessage::Signal(head)) => self.expected = Expected::Signal(head),
            Ok(ClientMessage::SessionEnd(end)) => requests.push(Request::End(end)),
            Ok(ClientMessage::SessionAbort(abort)) => requests.push(Request::Abort(abort.session_id)),
            Ok(ClientMessage::Ping) => {}
            Err(error) => {
                self.expected = Expected::Orphan;
                requests.push(Request::Wrong { code: error.code(), message: error.to_string() });
            }
        }
        requests
    }

    /// What was announced and has not come, now that another text is here.
    fn unfulfilled(&mut self) -> Option<Request> {
        let what = match std::mem::take(&mut self.expected) {
            Expected::Nothing | Expected::Orphan => return None,
            Expected::Frame(head) => format!("frame {}", head.frame_number),
            Expected::Signal(_) => "the signal".to_owned(),
        };
        let message =
            format!("the bytes of {what} did not come: send them as a binary message after its text");
        Some(Request::Wrong { code: ErrorCode::ProtocolError, message })
    }

    pub(crate) fn payload(&mut self, bytes: Bytes) -> Option<Request> {
        match std::mem::take(&mut self.expected) {
            Expected::Frame(head) => Some(Request::Frame(head, bytes)),
            Expected::Signal(head) => Some(Request::Signal(head, bytes)),
            Expected::Orphan => None,
            Expected::Nothing => {
                let message = format!(
                    "a binary message of {} bytes that no text announced: send `frame` or `signal` first",
                    bytes.len()
                );
                Some(Request::Wrong { code: ErrorCode::ProtocolError, message })
            }
        }
    }
}

#[cfg(test)]
mod tests;
