//! A live publisher for a program with a loop of its own: the loop offers pictures, a thread encodes the newest, sends it
//! over one WebSocket, reconnects, and knows whether the stream is watched. Offering never waits and never fails,
//! whatever the network does.
//!
//! The caller encodes the pictures: this crate knows bytes.

use crate::adaptive::Adaptive;
use crate::picture_slot::{Counts, Offer, PictureSlot};
use crate::publish::{Demand, Metadata, Options, Reply};
use crate::reconnect::{Reconnecting, Sent};
use crate::{Endpoint, Error};
use net::{Lock, Thread};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long [`BackgroundPublisher::stop`] lets the last picture travel.
const DRAIN: Duration = Duration::from_secs(1);

/// Beyond [`DRAIN`], for the picture that is being encoded at that moment.
const GRACE: Duration = Duration::from_millis(500);

/// After a refusal that waiting does not mend (a wrong key), no attempt is made sooner.
const REFUSED_DELAY: Duration = Duration::from_secs(15);

/// While a frame takes longer than this to be sent, a newer one cannot reach a viewer.
const STALLED: Duration = Duration::from_secs(1);

/// A stream that is not watched gets a picture this often all the same: hubs remove streams to which nothing comes
/// (after 300 s), and a mosaic shows what a room looked like a minute ago rather than an hour.
const REFRESH: Duration = Duration::from_secs(60);

/// Over so many frames the time of sending is averaged.
const SENDS_AVERAGED: usize = 10;

/// Frames of so long count for the rate.
const RATE_SPAN: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub struct Settings {
    /// JPEG quality, 1 to 100; with `adaptive` the finest.
    pub quality: u8,
    /// Coarser pictures while the link is slow.
    pub adaptive: bool,
    /// Frames a second that are taken; `None` for all.
    pub max_fps: Option<f64>,
    /// The longest wait between two attempts to reach the hub.
    pub retry_delay: Duration,
}

/// A stream being published. Dropping it stops the thread without waiting for it.
#[derive(Debug)]
pub struct BackgroundPublisher<P> {
    shared: Arc<Shared<P>>,
    thread: Thread,
}

#[derive(Debug)]
struct Shared<P> {
    slot: PictureSlot<P>,
    /// How the thread is getting on. Held for a few assignments.
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    link: LinkState,
    /// What it counts; the rest of it is found out when it is asked for.
    stats: Stats,
    /// When sending of the present frame began.
    sending_since: Option<Instant>,
    /// When the last frame for this connection was taken up.
    last_taken: Option<Instant>,
    recent: VecDeque<Instant>,
    /// How long the last frames took to be sent.
    send_times: VecDeque<Duration>,
    connections: u64,
    news: Option<News>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkState {
    /// The first connection is being opened.
    Opening,
    Up,
    Away,
}

/// A change worth a line in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Connected,
    /// The hub cannot be reached, or refuses; why.
    Away(String),
    /// The hub refused a frame; why.
    Refused(String),
}

/// What a live publisher has done, and how it is.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub counts: Counts,
    pub sent: u64,
    pub bytes_sent: u64,
    /// Frames that the hub refused, or that could not be encoded.
    pub refused: u64,
    /// Frames that were lost with their connection.
    pub failed: u64,
    /// Connections opened after the first.
    pub reconnects: u64,
    pub connected: bool,
    /// Frames sent a second, in the last seconds.
    pub fps: f64,
    /// Of the last frames sent.
    pub mean_send_time: Duration,
    /// Whether a frame waits to be sent.
    pub is_waiting: bool,
    /// The quality of the next frame.
    pub quality: u8,
    /// As the hub said last; `None` while it is away or has said nothing.
    pub demand: Option<Demand>,
    pub last_error: Option<String>,
}

impl<P: Send + 'static> BackgroundPublisher<P> {
    /// Starts the thread. It connects at once, so that [`wanted`](Self::wanted) knows before the first picture is made.
    ///
    /// `encode` makes a JPEG of a picture at a quality of 1 to 100.
    ///
    /// # Errors
    /// Only if the system gives no thread or no sockets.
    pub fn start(
        endpoint: &Endpoint,
        stream: &str,
        settings: &Settings,
        encode: impl FnMut(&P, u8) -> Result<Vec<u8>, String> + Send + 'static,
    ) -> std::io::Result<BackgroundPublisher<P>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::new(Shared {
            slot: PictureSlot::new(settings.max_fps),
            state: Lock::new(State::new(settings.quality)),
        });
        let retry_delay = settings.retry_delay;
        let options = Options { demand: true, ..Options::default() };
        let quality = match settings.adaptive {
            true => Adaptive::new(settings.quality),
            false => Adaptive::fixed(settings.quality),
        };
        let worker = {
            let (endpoint, stream, shared) = (endpoint.clone(), stream.to_owned(), shared.clone());
            move || {
                runtime.block_on(async {
                    let link = Reconnecting::later(&endpoint, &stream, options).longest_delay(retry_delay);
                    Worker { shared: &shared, link, encode, quality, last: None }.run().await;
                });
                // A name that is being looked up may keep a helper thread for a while.
                runtime.shutdown_background();
            }
        };
        let thread = Thread::start("framehub-publish", worker)?;
        Ok(BackgroundPublisher { shared, thread })
    }

    /// Where pictures are left for the thread.
    pub fn slot(&self) -> &PictureSlot<P> {
        &self.shared.slot
    }

    /// Whether a picture made now is worth its making: it is due, the hub is there, and the stream is watched or recorded. The
    /// first picture of a connection always is, since before it there is nothing that could be watched, and so is one a
    /// minute after it. A hub that says nothing about demand counts as watching.
    pub fn wanted(&self) -> bool {
        let now = Instant::now();
        let is_waiting = !self.shared.slot.is_empty();
        self.shared.state.lock().wants(is_waiting, now) && self.shared.slot.is_due(now)
    }

    /// What has changed since the last call.
    pub fn news(&self) -> Option<News> {
        self.shared.state.lock().news.take()
    }

    pub fn stats(&self) -> Stats {
        let counts = self.shared.slot.counts();
        let is_waiting = !self.shared.slot.is_empty();
        let state = self.shared.state.lock();
        Stats {
            counts,
            reconnects: state.connections.saturating_sub(1),
            connected: state.link == LinkState::Up,
            fps: state.fps(Instant::now()),
            mean_send_time: state.send_times.iter().sum::<Duration>() / state.send_times.len().max(1) as u32,
            is_waiting,
            ..state.stats.clone()
        }
    }

    /// Sends what waits, if that is quickly done, closes the connection and ends the thread. Returns within two seconds, whatever
    /// the hub does.
    pub fn stop(&self) {
        self.shared.slot.close();
        // A thread that takes longer ends by itself.
        self.thread.join(DRAIN + GRACE);
    }
}

impl<P> Drop for BackgroundPublisher<P> {
    fn drop(&mut self) {
        self.shared.slot.close();
    }
}

impl State {
    fn new(quality: u8) -> State {
        State {
            link: LinkState::Opening,
            stats: Stats { quality, ..Stats::default() },
            sending_since: None,
            last_taken: None,
            recent: VecDeque::new(),
            send_times: VecDeque::new(),
            connections: 0,
            news: None,
        }
    }

    /// `is_waiting`: a picture waits to be sent, which counts as the first where there was none.
    fn wants(&self, is_waiting: bool, now: Instant) -> bool {
        let older = |than: Option<Instant>, span| than.is_some_and(|then| now.duration_since(then) >= span);
        match self.link {
            LinkState::Away => false,
            // A caller that asks before the hub has answered is about to publish the first picture.
            LinkState::Opening => !is_waiting,
            LinkState::Up if older(self.sending_since, STALLED) => false,
            LinkState::Up => {
                let is_watched = self.stats.demand.is_none_or(Demand::is_wanted);
                let is_first = self.last_taken.is_none() && !is_waiting;
                is_watched || is_first || older(self.last_taken, REFRESH)
            }
        }
    }

    fn fps(&self, now: Instant) -> f64 {
        let recent = self.recent.iter().filter(|&&then| now.duration_since(then) < RATE_SPAN).count();
        recent as f64 / RATE_SPAN.as_secs_f64()
    }

    fn count_sent(&mut self, bytes: usize, took: Duration, now: Instant) {
        self.stats.sent += 1;
        self.stats.bytes_sent += bytes as u64;
        self.send_times.truncate(SENDS_AVERAGED - 1);
        self.send_times.push_front(took);
        while self.recent.front().is_some_and(|&then| now.duration_since(then) >= RATE_SPAN) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
    }

    fn connected(&mut self) {
        self.link = LinkState::Up;
        self.connections += 1;
        self.last_taken = None;
        self.stats.demand = None;
        self.news = Some(News::Connected);
    }

    fn away(&mut self, error: &Error) {
        let reason = error.to_string();
        if self.link != LinkState::Away {
            self.news = Some(News::Away(reason.clone()));
        }
        self.link = LinkState::Away;
        self.stats.demand = None;
        self.stats.last_error = Some(reason);
    }

    fn refused(&mut self, reason: String) {
        self.stats.refused += 1;
        if self.stats.last_error.as_ref() != Some(&reason) {
            self.news = Some(News::Refused(reason.clone()));
        }
        self.stats.last_error = Some(reason);
    }
}

/// The state of the thread.
struct Worker<'a, P, E> {
    shared: &'a Shared<P>,
    link: Reconnecting,
    encode: E,
    quality: Adaptive,
    /// When the last frame began to be sent, and how long it took.
    last: Option<(Instant, Duration)>,
}

impl<P, E: FnMut(&P, u8) -> Result<Vec<u8>, String>> Worker<'_, P, E> {
    async fn run(mut self) {
        let shared = self.shared;
        let too_late = async {
            shared.slot.closed().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            () = self.work() => {}
            () = too_late => return,
        }
        let _ = tokio::time::timeout(DRAIN, self.link.close()).await;
    }

    async fn work(&mut self) {
        loop {
            if self.link.is_up() {
                if !self.converse().await {
                    return;
                }
            } else if self.is_over() {
                return;
            } else {
                self.open().await;
            }
        }
    }

    /// Closed, and nothing waits for a hub that may yet answer.
    fn is_over(&self) -> bool {
        let slot = &self.shared.slot;
        slot.is_closed() && (slot.is_empty() || self.shared.state.lock().link == LinkState::Away)
    }

    async fn open(&mut self) {
        let slot = &self.shared.slot;
        let opened = tokio::select! {
            opened = self.link.open() => opened,
            () = slot.closed(), if !slot.is_closed() => return,
        };
        match opened {
            Ok(Sent::Yes | Sent::Away) => self.shared.state.lock().connected(),
            Ok(Sent::Lost { error, .. }) => self.shared.state.lock().away(&error),
            Err(error) => self.refused(&error),
        }
    }

    /// Handles the next event of an open connection; false at the end.
    async fn converse(&mut self) -> bool {
        let offer = tokio::select! {
            biased;
            demand = self.link.next_demand() => {
                match demand {
                    Ok(Ok(demand)) => self.shared.state.lock().stats.demand = Some(demand),
                    Ok(Err(lost)) => self.note_loss(&lost),
                    Err(error) => self.refused(&error),
                }
                return true;
            }
            offer = self.shared.slot.next() => offer,
        };
        let Some(Offer { picture, metadata }) = offer else { return false };
        self.shared.state.lock().last_taken = Some(Instant::now());
        self.adapt();
        let jpeg = (self.encode)(&picture, self.quality.quality());
        self.shared.slot.give_back(picture);
        match jpeg {
            Ok(jpeg) => self.send(jpeg, &metadata).await,
            Err(reason) => self.shared.state.lock().refused(reason),
        }
        while let Some(reply) = self.link.try_reply() {
            if let Reply::Error { error, .. } = reply {
                self.shared.state.lock().refused(error);
            }
        }
        true
    }

    /// The part of the time between two frames that went into sending the first is how busy the link is.
    fn adapt(&mut self) {
        if let Some((began, sending)) = self.last.take() {
            self.quality.sent(sending, began.elapsed());
            self.shared.state.lock().stats.quality = self.quality.quality();
        }
    }

    async fn send(&mut self, jpeg: Vec<u8>, metadata: &Metadata) {
        let bytes = jpeg.len();
        let began = Instant::now();
        self.shared.state.lock().sending_since = Some(began);
        let sent = self.link.send(jpeg.into(), metadata).await;
        let took = began.elapsed();
        self.last = Some((began, took));
        let mut state = self.shared.state.lock();
        state.sending_since = None;
        match sent {
            Ok(Sent::Yes) => state.count_sent(bytes, took, began),
            Ok(lost) => {
                state.stats.failed += 1;
                drop(state);
                self.note_loss(&lost);
            }
            Err(error) => {
                state.stats.failed += 1;
                drop(state);
                self.refused(&error);
            }
        }
    }

    fn note_loss(&self, lost: &Sent) {
        if let Sent::Lost { error, .. } = lost {
            self.shared.state.lock().away(error);
        }
    }

    fn refused(&mut self, error: &Error) {
        self.link.rest(REFUSED_DELAY);
        self.shared.state.lock().away(error);
    }
}
