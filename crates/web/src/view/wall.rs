//! The wall: any number of streams over one WebSocket, since a browser keeps at most six connections to a host.
//!
//! The client names the streams that are on its screen; each is a reader of its own. A stream's next frame is sent
//! only while fewer than [`WINDOW`] are unacknowledged, so neither the socket nor a slow browser's event queue can
//! fill with old pictures. Streams take turns. `wire::wall` describes the messages.

use std::{
    collections::BTreeMap,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use access::Grant;
use axum::{extract::Request, response::Response};
use fastwebsockets::WebSocketError;
use hub::{Changes, Closed, Delivery, Stream, StreamName, Subscriber};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};
use wire::wall::{self, ClientMessage, FrameHeader, MAX_MESSAGE_BYTES, StreamRequest, WINDOW};

use super::{Pacer, source::subscribe};
use crate::{
    App,
    error::ApiError,
    renditions::{self, Look},
    stats::StreamInfo,
    websocket::{self, Ended, Inbox, Message, Outbox, close},
};

const LIST_INTERVAL: Duration = Duration::from_secs(1);
/// Messages read ahead of the writer; a client that sends more waits.
const COMMANDS: usize = 16;

pub(crate) fn response(app: Arc<App>, grant: Grant, request: Request) -> Response {
    websocket::accept(request, MAX_MESSAGE_BYTES, move |inbox, outbox| async move {
        let (sender, commands) = mpsc::channel(COMMANDS);
        if let Err(error) = Wall::new(app, grant).run(outbox, pin!(read(inbox, sender)), commands).await {
            tracing::debug!(%error, "a wall was closed");
        }
    })
}

type Command = Result<ClientMessage, wall::Error>;

async fn read(mut inbox: Inbox, commands: mpsc::Sender<Command>) -> Ended {
    loop {
        match inbox.next().await {
            Ok(Message::Text(text)) => {
                if commands.send(ClientMessage::parse(&text)).await.is_err() {
                    return Ended::GONE;
                }
            }
            Ok(Message::Binary(_)) => {}
            Err(ended) => return ended,
        }
    }
}

/// One stream on the wall.
struct Tile {
    /// As what it is shown.
    request: StreamRequest,
    subscriber: Subscriber,
    pacer: Pacer,
    /// Numbers of the frames sent and not yet shown; at most [`WINDOW`].
    unacknowledged: Vec<u64>,
}

impl Tile {
    /// Whether it shows what is wished for, or can by a change of its rate alone.
    fn suits(&mut self, request: &StreamRequest) -> bool {
        let is_plain =
            |request: &StreamRequest| Look::from(request).is_as_published() && request.overlay.is_none();
        if self.request != *request && is_plain(&self.request) && is_plain(request) {
            self.pacer.set_rate(request.max_fps());
            self.request = request.clone();
        }
        self.request == *request
    }

    /// It waits for an analysis that has begun by now.
    fn is_overtaken(&self, app: &App) -> bool {
        let stream = self.subscriber.stream();
        let waits = self.request.overlay.as_ref().filter(|_| stream.parent().is_none());
        waits.is_some_and(|pipeline| app.analyses().stream(stream, pipeline).is_ok())
    }
}

/// A viewer of the stream as wished for, or as published where that cannot be made.
fn open(
    app: &App,
    stream: &Stream,
    request: &StreamRequest,
    now: Instant,
) -> Result<(Subscriber, Pacer), ApiError> {
    if let Some(pipeline) = &request.overlay
        && let Ok(analysed) = app.analyses().stream(stream, pipeline)
        && let Ok(subscriber) = subscribe(app, &analysed, None)
    {
        return Ok((subscriber, Pacer::new(request.max_fps(), now)));
    }
    let rendition = renditions::Wish::unless_as_published(request.into(), request.max_fps());
    if rendition.is_some()
        && let Ok(subscriber) = subscribe(app, stream, rendition)
    {
        return Ok((subscriber, Pacer::new(None, now)));
    }
    Ok((subscribe(app, stream, None)?, Pacer::new(request.max_fps(), now)))
}

struct Wall {
    app: Arc<App>,
    grant: Grant,
    changes: Changes,
    wishes: BTreeMap<StreamName, StreamRequest>,
    tiles: BTreeMap<StreamName, Tile>,
    /// Whose turn it was last.
    last: Option<StreamName>,
}

enum Event {
    Frame(StreamName, Delivery),
    Gone(StreamName, Closed),
}

impl Wall {
    fn new(app: Arc<App>, grant: Grant) -> Self {
        let changes = app.hub().changes();
        Self { app, grant, changes, wishes: BTreeMap::new(), tiles: BTreeMap::new(), last: None }
    }

    async fn run(
        mut self,
        mut outbox: Outbox,
        mut reading: Pin<&mut impl Future<Output = Ended>>,
        mut commands: mpsc::Receiver<Command>,
    ) -> Result<(), WebSocketError> {
        let mut list = tokio::time::interval(LIST_INTERVAL);
        list.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = std::future::poll_fn(|cx| Self::poll_tiles(&mut self.tiles, self.last.as_ref(), cx)) => {
                    match event {
                        Event::Frame(name, delivery) => self.send_frame(&mut outbox, name, &delivery).await?,
                        Event::Gone(name, reason) => self.say_gone(&mut outbox, &name, reason).await?,
                    }
                }
                Some(command) = commands.recv() => match command {
                    Ok(command) => self.obey(command),
                    Err(error) => outbox.text(&wall::error(&error.to_string())).await?,
                },
                () = self.changes.changed() => {
                    if self.app.hub().is_shut_down() {
                        return outbox.close(close::GOING_AWAY, "the hub is shutting down").await;
                    }
                    self.open_wished();
                    list.reset_immediately();
                }
                _ = list.tick() => {
                    self.open_wished();
                    self.send_list(&mut outbox).await?;
                }
                ended = reading.as_mut() => return outbox.farewell(&ended).await,
                Some(obligation) = outbox.obligation() => outbox.fulfil(obligation).await?,
            }
        }
    }

    fn obey(&mut self, command: ClientMessage) {
        match command {
            ClientMessage::Watch { streams } => {
                let named =
                    streams.into_iter().filter_map(|(name, request)| Some((name.parse().ok()?, request)));
                // What the grant does not show is as if it were not there.
                self.wishes = named.filter(|(name, _)| self.grant.shows(name)).collect();
                self.tiles.retain(|name, _| self.wishes.contains_key(name));
                self.open_wished();
            }
            ClientMessage::Shown { stream, seq } => {
                if let Some(tile) = self.tiles.get_mut(stream.as_str()) {
                    tile.unacknowledged.retain(|&sent| sent > seq);
                }
            }
        }
    }

    /// Subscribes to what is wished for, live, and not open yet; a request for a stream that comes later waits.
    fn open_wished(&mut self) {
        let now = Instant::now();
        for (name, request) in &self.wishes {
            let app = &self.app;
            if self.tiles.get_mut(name).is_some_and(|tile| tile.suits(request) && !tile.is_overtaken(app)) {
                continue;
            }
            let Some(stream) = self.app.hub().stream(name) else { continue };
            let Ok((subscriber, pacer)) = open(&self.app, &stream, request, now) else { continue };
            // What is on its way to the client stays so.
            let unacknowledged = match self.tiles.remove(name) {
                Some(tile) => tile.unacknowledged,
                None => Vec::with_capacity(WINDOW),
            };
            self.tiles
                .insert(name.clone(), Tile { request: request.clone(), subscriber, pacer, unacknowledged });
        }
    }

    /// The next event, beginning with the tile after the one that had the last turn.
    fn poll_tiles(
        tiles: &mut BTreeMap<StreamName, Tile>,
        last: Option<&StreamName>,
        cx: &mut Context<'_>,
    ) -> Poll<Event> {
        let comes_later = |name: &StreamName| last.is_some_and(|last| name > last);
        for after_last in [true, false] {
            for (name, tile) in tiles.iter_mut().filter(|(name, _)| comes_later(name) == after_last) {
                if tile.unacknowledged.len() >= WINDOW || tile.pacer.poll_due(cx).is_pending() {
                    continue;
                }
                match tile.subscriber.poll_recv(cx) {
                    Poll::Ready(Ok(delivery)) => return Poll::Ready(Event::Frame(name.clone(), delivery)),
                    Poll::Ready(Err(reason)) => return Poll::Ready(Event::Gone(name.clone(), reason)),
                    Poll::Pending => {}
                }
            }
        }
        Poll::Pending
    }

    async fn send_frame(
        &mut self,
        outbox: &mut Outbox,
        name: StreamName,
        delivery: &Delivery,
    ) -> Result<(), WebSocketError> {
        let now = Instant::now();
        let frame = &delivery.frame;
        if let Some(tile) = self.tiles.get_mut(&name) {
            tile.pacer.taken(now);
            tile.unacknowledged.push(frame.seq);
        }
        let age = frame.age(now.into_std());
        self.app.metrics().observe_age(age);
        let header = FrameHeader {
            stream: name.as_str().into(),
            seq: frame.seq,
            width: frame.format.width,
            height: frame.format.height,
            timestamp: frame.timestamp_unix_secs(),
            age_ms: age.as_secs_f64() * 1000.0,
            skipped: delivery.skipped,
            metadata: frame.metadata.as_deref().map(Into::into),
        };
        let header = header.encode();
        self.last = Some(name);
        match header {
            Ok(header) => outbox.binary_after(&header, &frame.payload).await,
            Err(error) => outbox.text(&wall::error(&error.to_string())).await,
        }
    }

    async fn say_gone(
        &mut self,
        outbox: &mut Outbox,
        name: &StreamName,
        reason: Closed,
    ) -> Result<(), WebSocketError> {
        self.tiles.remove(name);
        // It may have been made anew in the meantime; and where only its analysis has ended, it goes on as published.
        self.open_wished();
        if reason == Closed::Retired && self.tiles.contains_key(name) {
            return Ok(());
        }
        outbox.text(&wall::gone(name.as_str(), &format!("stream '{name}' has ended: {reason}"))).await
    }

    async fn send_list(&self, outbox: &mut Outbox) -> Result<(), WebSocketError> {
        let streams = StreamInfo::all(&self.app, &self.grant);
        let default = self.app.default_stream(&self.grant);
        match wall::streams(default.as_ref().map(|s| s.name().as_str()), &streams) {
            Ok(list) => outbox.text(&list).await,
            Err(error) => outbox.text(&wall::error(&error.to_string())).await,
        }
    }
}
