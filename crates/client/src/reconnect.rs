//! A publisher that reconnects. While the hub is away, frames are not kept but dropped and counted: a live picture that
//! waited is not live any more.

use crate::publish::{Demand, Metadata, Options, Publisher, Reply};
use crate::{Endpoint, Error};
use bytes::Bytes;
use net::Backoff;
use net::ws::close::POLICY;
use std::time::Duration;
use tokio::time::Instant;

const FIRST_DELAY: Duration = Duration::from_millis(200);

/// The longest delay where the caller asks for no other.
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// How long to wait before the hub is tried again.
pub(crate) fn usual_backoff() -> Backoff {
    Backoff::new(FIRST_DELAY, LONGEST_DELAY)
}

/// What happened to a frame.
#[derive(Debug)]
pub enum Sent {
    Yes,
    /// The connection was lost over this frame, or an attempt to open it again failed. The next attempt is
    /// made with the first frame after `retry_in`.
    Lost {
        error: Error,
        retry_in: Duration,
    },
    /// There is no connection, and it is too early for another attempt.
    Away,
}

#[derive(Debug)]
enum Link {
    Up(Publisher),
    Down { since: Instant, again_at: Instant },
}

#[derive(Debug)]
pub struct Reconnecting {
    endpoint: Endpoint,
    stream: String,
    options: Options,
    link: Link,
    backoff: Backoff,
    /// Connections opened.
    connections: u64,
}

impl Reconnecting {
    /// Opens the first connection, and returns its failure.
    pub async fn connect(endpoint: &Endpoint, stream: &str, options: Options) -> Result<Reconnecting, Error> {
        let publisher = Publisher::connect(endpoint, stream, &options).await?;
        let mut later = Reconnecting::later(endpoint, stream, options);
        later.link = Link::Up(publisher);
        later.connections = 1;
        Ok(later)
    }

    /// Opens nothing yet: the first frame does, and goes on trying like any later one.
    pub fn later(endpoint: &Endpoint, stream: &str, options: Options) -> Reconnecting {
        let now = Instant::now();
        Reconnecting {
            endpoint: endpoint.clone(),
            stream: stream.to_owned(),
            options,
            link: Link::Down { since: now, again_at: now },
            backoff: usual_backoff(),
            connections: 0,
        }
    }

    /// Waits at most so long between two attempts.
    pub fn longest_delay(mut self, longest: Duration) -> Reconnecting {
        self.backoff = Backoff::new(FIRST_DELAY, longest);
        self
    }

    /// Sends the frame, or says why it was not sent. Opens the connection again first when it is due.
    ///
    /// # Errors
    /// Only a refusal that no waiting will change (no right, a name the hub does not take).
    pub async fn send(&mut self, jpeg: Bytes, meta: &Metadata) -> Result<Sent, Error> {
        if let Link::Down { again_at, .. } = self.link {
            if Instant::now() < again_at {
                return Ok(Sent::Away);
            }
            if let Err(error) = self.attempt().await {
                return self.lost(error);
            }
        }
        let Link::Up(publisher) = &mut self.link else { return Ok(Sent::Away) };
        match publisher.send(jpeg, meta).await {
            Ok(()) => {
                self.backoff.reset();
                Ok(Sent::Yes)
            }
            Err(error) => self.lost(error),
        }
    }

    async fn attempt(&mut self) -> Result<(), Error> {
        self.link = Link::Up(Publisher::connect(&self.endpoint, &self.stream, &self.options).await?);
        self.connections += 1;
        Ok(())
    }

    /// Opens the connection ahead of the next frame, once an attempt is due, and gives [`Sent::Yes`] when it is open.
    /// Cancel-safe: an attempt that is dropped is made anew.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn open(&mut self) -> Result<Sent, Error> {
        let Link::Down { again_at, .. } = self.link else { return Ok(Sent::Yes) };
        tokio::time::sleep_until(again_at).await;
        match self.attempt().await {
            Ok(()) => Ok(Sent::Yes),
            Err(error) => self.lost(error),
        }
    }

    /// After an error that waiting does not mend (a wrong key): no attempt before `delay` is over.
    pub fn rest(&mut self, delay: Duration) {
        let now = Instant::now();
        self.link = Link::Down { since: now, again_at: now + delay };
    }

    /// Waits until the hub says who reads the stream; without a connection for ever. Cancel-safe.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Sent::Lost`] when the connection has ended.
    pub async fn next_demand(&mut self) -> Result<Result<Demand, Sent>, Error> {
        let Link::Up(publisher) = &mut self.link else { return std::future::pending().await };
        match publisher.next_demand().await {
            Ok(demand) => Ok(Ok(demand)),
            Err(error) => self.lost(error).map(Err),
        }
    }

    pub fn is_up(&self) -> bool {
        matches!(self.link, Link::Up(_))
    }

    fn lost(&mut self, error: Error) -> Result<Sent, Error> {
        if !error.is_transient() {
            return Err(error);
        }
        if matches!(error, Error::Closed { close_code: Some(POLICY), .. }) {
            // Another publisher took the stream over. Two that took it from each other for ever would be of no use, so
            // this one waits until the stream is free.
            self.options.takeover = false;
        }
        let now = Instant::now();
        let retry_in = self.backoff.delay();
        let since = match self.link {
            Link::Down { since, .. } => since,
            Link::Up(_) => now,
        };
        self.link = Link::Down { since, again_at: now + retry_in };
        Ok(Sent::Lost { error, retry_in })
    }

    /// What the hub said about frames that it refused (and acks, where asked for).
    pub fn try_reply(&mut self) -> Option<Reply> {
        match &mut self.link {
            Link::Up(publisher) => publisher.try_reply(),
            Link::Down { .. } => None,
        }
    }

    /// The next reply of the open connection; `None` when it ends, or without one.
    pub async fn reply(&mut self) -> Option<Reply> {
        match &mut self.link {
            Link::Up(publisher) => publisher.reply().await,
            Link::Down { .. } => None,
        }
    }

    /// How long the hub has been away.
    pub fn away_for(&self) -> Option<Duration> {
        match self.link {
            Link::Up(_) => None,
            Link::Down { since, .. } => Some(since.elapsed()),
        }
    }

    /// Connections opened after the first was lost.
    pub fn reconnects(&self) -> u64 {
        self.connections.saturating_sub(1)
    }

    pub async fn close(self) {
        if let Link::Up(publisher) = self.link {
            publisher.close().await;
        }
    }
}
