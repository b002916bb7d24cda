//! The link to the hub: sends frames, hears what the hub says about them, comes back after a loss.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use client::publish::{Metadata, Options, Reply};
use client::reconnect::{Reconnecting, Sent};
use client::{Endpoint, Target};
use hub::Frame;

use super::totals::Totals;
use crate::terminal::Notes;

/// A connection to the hub's stream, opened again when it is lost.
pub(super) struct Link {
    link: Reconnecting,
    verdict: Verdict,
    /// When the last refusal was shown.
    shown: Option<Instant>,
    pub(super) notes: Notes,
}

/// How it went, from the hub's side.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) refused: u64,
    pub(super) taken: u64,
    /// The last error about a frame that the hub did not take.
    pub(super) why: String,
    pub(super) reconnects: u64,
}

impl Link {
    /// `takeover` replaces a publisher that is there; `wait` waits for a hub that is not up yet.
    ///
    /// # Errors
    /// The hub cannot be reached or refuses the stream.
    pub(super) async fn connect(target: &Target, takeover: bool, wait: bool) -> anyhow::Result<Link> {
        let stream = target.stream.as_deref().context("the address names no stream")?;
        let query = target.query().map(str::to_owned);
        // Acks cost little, and without them a hub says nothing about frames that it does not take.
        let options = Options { acks: true, takeover, query, ..Options::default() };
        let link = if wait {
            Reconnecting::later(&target.endpoint, stream, options)
        } else {
            connect(&target.endpoint, stream, options).await?
        };
        Ok(Link { link, verdict: Verdict::default(), shown: None, notes: Notes::default() })
    }

    /// Sends a frame; `false` where there is no connection at the moment. Not cancel-safe.
    ///
    /// # Errors
    /// The hub refuses for a reason that no waiting changes.
    pub(super) async fn send(&mut self, frame: &Frame) -> anyhow::Result<bool> {
        let captured = Some(frame.timestamp_unix_secs());
        let meta = Metadata { captured, seq: Some(frame.seq - 1), rest: None };
        let was_away = self.link.away_for();
        let sent = self.link.send(frame.payload.clone(), &meta).await?;
        self.hear();
        match sent {
            Sent::Yes => {
                if let Some(away) = was_away.filter(|away| *away > Duration::from_millis(1)) {
                    self.notes.say(&format!("connected again after {:.1} s", away.as_secs_f64()));
                }
                Ok(true)
            }
            Sent::Lost { error, retry_in } => {
                self.notes.say(&format!("{error}; next try in {:.1} s", retry_in.as_secs_f64()));
                Ok(false)
            }
            Sent::Away => Ok(false),
        }
    }

    fn hear(&mut self) {
        while let Some(reply) = self.link.try_reply() {
            self.take(reply);
        }
    }

    /// Counts each, and shows one refusal a second.
    fn take(&mut self, reply: Reply) {
        let Reply::Error { error, .. } = reply else {
            self.verdict.taken += 1;
            return;
        };
        self.verdict.refused += 1;
        if self.shown.is_none_or(|shown| shown.elapsed() >= Duration::from_secs(1)) {
            self.shown = Some(Instant::now());
            self.notes.say(&format!("the hub did not take a frame: {error}"));
        }
        self.verdict.why = error;
    }

    /// Waits for the last acks and closes the connection.
    pub(super) async fn end(mut self, totals: &Totals, interrupted: bool) -> Verdict {
        self.hear();
        self.verdict.reconnects = self.link.reconnects();
        // Frames that were on their way when a connection broke are never acknowledged.
        if !interrupted && self.verdict.reconnects == 0 {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
            while self.verdict.taken + self.verdict.refused < totals.sent {
                match tokio::time::timeout_at(deadline, self.link.reply()).await {
                    Ok(Some(reply)) => self.take(reply),
                    Ok(None) | Err(_) => break,
                }
            }
        }
        if !interrupted {
            self.link.close().await;
        }
        self.verdict
    }
}

async fn connect(endpoint: &Endpoint, stream: &str, options: Options) -> anyhow::Result<Reconnecting> {
    Reconnecting::connect(endpoint, stream, options).await.map_err(|error| {
        let hint = match &error {
            client::Error::Connect { .. } => {
                "is the hub running there? --wait waits for it, --to names another address"
            }
            client::Error::Refused { status: 409, .. } => "--takeover replaces the publisher that is there",
            client::Error::Refused { status: 401 | 403, .. } => {
                "give a key with --api-key or FRAMEHUB_API_KEY"
            }
            _ => return error.into(),
        };
        anyhow::anyhow!("{error}\n{hint}")
    })
}

impl Verdict {
    /// If the hub took nothing, publishing has failed, whatever the reason.
    pub(super) fn judge(&self, totals: &Totals) -> anyhow::Result<()> {
        if self.taken == 0 && self.refused > 0 {
            bail!("the hub took none of the frames ({} sent): {}", totals.sent, self.why);
        }
        if totals.sent == 0 && totals.away > 0 {
            bail!("no frame was sent: the hub was away all the time");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn publishing_that_reached_nobody_has_failed() {
        let all_refused = Verdict { refused: 3, why: "too large".to_owned(), ..Verdict::default() };
        let totals = Totals { sent: 3, ..Totals::default() };
        assert!(all_refused.judge(&totals).unwrap_err().to_string().contains("too large"));
        assert!(Verdict { taken: 1, refused: 2, ..Verdict::default() }.judge(&totals).is_ok());
        assert!(Verdict::default().judge(&Totals { away: 5, ..Totals::default() }).is_err());
    }
}
