//! Messages to one client, in order: answers to what it sends, and the progress of its analysis.

use std::{collections::VecDeque, fmt};

use net::Lock;
use tokio::sync::Notify;
use wire::upload::ServerMessage;

/// Answers that wait; of a client that does not read them, nothing more is read.
const ROOM: usize = 64;

/// One message, and what is to be done once it is sent.
pub struct Queued {
    message: ServerMessage,
    receipt: Option<Receipt>,
}

type Receipt = Box<dyn FnOnce() + Send>;

impl Queued {
    pub fn message(&self) -> &ServerMessage {
        &self.message
    }

    /// To be called when it is sent: a result that was not is kept for a client that resumes.
    pub fn sent(self) {
        if let Some(receipt) = self.receipt {
            receipt();
        }
    }
}

impl fmt::Debug for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.message, f)
    }
}

/// Why a connection is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    pub reason: String,
}

/// Of one connection.
#[derive(Debug, Default)]
pub struct Mailbox {
    /// Nothing awaits under it.
    state: Lock<State>,
    arrived: Notify,
    taken: Notify,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Queued>,
    close_reason: Option<CloseReason>,
}

impl Mailbox {
    pub(crate) fn say(&self, message: ServerMessage) {
        self.push(Queued { message, receipt: None });
    }

    pub(crate) fn say_with_receipt(&self, message: ServerMessage, receipt: Receipt) {
        self.push(Queued { message, receipt: Some(receipt) });
    }

    /// Of a stage's progress only the newest waits.
    pub(crate) fn say_progress(&self, message: ServerMessage) {
        let mut state = self.state.lock();
        match state.messages.back_mut() {
            Some(last) if is_same_stage(&last.message, &message) => last.message = message,
            _ => state.messages.push_back(Queued { message, receipt: None }),
        }
        drop(state);
        self.arrived.notify_one();
    }

    fn push(&self, queued: Queued) {
        self.state.lock().messages.push_back(queued);
        self.arrived.notify_one();
    }

    /// Ends the connection once all messages are sent.
    pub(crate) fn part(&self, reason: String) {
        self.state.lock().close_reason.get_or_insert(CloseReason { reason });
        self.arrived.notify_one();
    }

    /// Waits until the client has taken so much that an answer fits. One wait at a time.
    pub async fn room(&self) {
        while self.state.lock().messages.len() >= ROOM {
            self.taken.notified().await;
        }
    }

    /// The next message, or why there are no more. Cancel-safe; one wait at a time.
    pub async fn next(&self) -> Result<Queued, CloseReason> {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.arrived.notified().await;
        }
    }

    fn try_next(&self) -> Option<Result<Queued, CloseReason>> {
        let mut state = self.state.lock();
        if let Some(queued) = state.messages.pop_front() {
            drop(state);
            self.taken.notify_one();
            return Some(Ok(queued));
        }
        state.close_reason.clone().map(Err)
    }
}

fn is_same_stage(last: &ServerMessage, new: &ServerMessage) -> bool {
    match (last, new) {
        (
            ServerMessage::ProcessProgress { stage: last, .. },
            ServerMessage::ProcessProgress { stage: new, .. },
        ) => last == new,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn progress(stage: &str, progress: f64) -> ServerMessage {
        ServerMessage::ProcessProgress {
            session_id: "a".into(),
            stage: stage.into(),
            progress,
            message: String::new(),
        }
    }

    #[tokio::test]
    async fn of_a_stage_only_the_newest_waits() {
        let mailbox = Mailbox::default();
        for (stage, done) in [("yolo", 0.1), ("yolo", 0.2), ("overlay", 0.5), ("overlay", 1.0)] {
            mailbox.say_progress(progress(stage, done));
        }
        mailbox.say(ServerMessage::Pong);
        mailbox.part("done".into());
        for expected in [progress("yolo", 0.2), progress("overlay", 1.0), ServerMessage::Pong] {
            assert_eq!(mailbox.next().await.unwrap().message(), &expected);
        }
        assert_eq!(mailbox.next().await.unwrap_err().reason, "done");
    }
}
