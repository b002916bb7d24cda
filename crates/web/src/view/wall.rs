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
use derive::{Error, Reader};
use hub::{Changes, Closed, Delivery, Stream, StreamName, Want};
use tokio::{sync::mpsc, time::MissedTickBehavior};
use wire::wall::{self, ClientMessage, FrameHeader, MAX_MESSAGE_BYTES, StreamRequest, WINDOW};

use super::{Views, as_published};
use crate::websocket::{self, Ended, Inbox, Message, Outbox, close};

const LIST_INTERVAL: Duration = Duration::from_secs(1);
/// Messages read ahead of the writer; a client that sends more waits.
const COMMANDS: usize = 16;

pub(crate) fn response(views: Arc<Views>, grant: Grant, list: List, request: Request) -> Response {
    websocket::accept(request, MAX_MESSAGE_BYTES, move |inbox, outbox| async move {
        let (sender, commands) = mpsc::channel(COMMANDS);
        if let Err(error) =
            Wall::new(views, grant, list).run(outbox, pin!(read(inbox, sender)), commands).await
        {
            tracing::debug!(%error, "a wall was closed");
        }
    })
}

/// Gives the message that lists the streams which the grant shows.
pub(crate) type List = Box<dyn Fn() -> Result<String, wall::Error> + Send + Sync>;

/// Subscribing to hundreds of streams takes a while, in which all others wait: no client may ask for it again at once.
const WATCH_PAUSE: Duration = Duration::from_millis(25);

type Command = Result<ClientMessage, wall::Error>;

async fn read(mut inbox: Inbox, commands: mpsc::Sender<Command>) -> Ended {
    loop {
        match inbox.next().await {
            Ok(Message::Text(text)) => {
                let command = ClientMessage::parse(&text);
                let is_light = matches!(command, Ok(ClientMessage::Shown { .. }));
                if commands.send(command).await.is_err() {
                    return Ended::Closed(Default::default());
                }
                if !is_light {
                    tokio::time::sleep(WATCH_PAUSE).await;
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
    want: Want,
    reader: Reader,
    /// It cannot be had as wanted, and is shown as published.
    falls_short: bool,
    /// Numbers of the frames sent and not yet shown; at most [`WINDOW`].
    unacknowledged: Vec<u64>,
}

impl Tile {
    /// As wanted, or as published where that cannot be made.
    fn open(views: &Views, stream: &Stream, want: Want) -> Result<Self, Error> {
        let wanted = views.derive.subscribe(stream, &want);
        let falls_short = wanted.is_err();
        let plain = as_published().at_most(want.max_fps());
        let reader = wanted.or_else(|_| views.derive.subscribe(stream, &plain))?;
        Ok(Self { want, reader, falls_short, unacknowledged: Vec::with_capacity(WINDOW) })
    }

    /// Whether it shows what is wanted, or can by a change of its rate alone.
    fn suits(&mut self, want: &Want) -> bool {
        let is_plain = |want: &Want| !want.is_rendition() && want.analysis.is_none();
        if self.want != *want && is_plain(&self.want) && is_plain(want) {
            self.reader.set_max_fps(want.max_fps());
            self.want = want.clone();
        }
        self.want == *want
    }

    /// Shows what is wanted if that can be had by now: an analysis that has begun, a rendition that others gave up.
    fn catch_up(&mut self, views: &Views) {
        if self.falls_short
            && let Ok(reader) = views.derive.subscribe(self.reader.stream(), &self.want)
        {
            (self.reader, self.falls_short) = (reader, false);
        }
    }
}

/// A page asks for no more than it can paint; that is no wish for more than what viewers usually get.
fn want(request: StreamRequest, usual_fps: Option<f64>) -> Want {
    let fps = request.max_fps().into_iter().chain(usual_fps).reduce(f64::min);
    as_published()
        .scaled_to(request.width, request.height)
        .at_quality(request.quality)
        .at_most(fps)
        .analysed_by(request.overlay.map(Arc::from))
}

struct Wall {
    views: Arc<Views>,
    grant: Grant,
    list: List,
    changes: Changes,
    wanted: BTreeMap<StreamName, Want>,
    tiles: BTreeMap<StreamName, Tile>,
    /// Whose turn it was last.
    last: Option<StreamName>,
}

enum Event {
    Frame(StreamName, Delivery),
    Gone(StreamName, Closed),
}

impl Wall {
    fn new(views: Arc<Views>, grant: Grant, list: List) -> Self {
        let changes = views.hub.changes();
        Self { views, grant, list, changes, wanted: BTreeMap::new(), tiles: BTreeMap::new(), last: None }
    }

    async fn run(
        mut self,
        mut outbox: Outbox,
        mut reading: Pin<&mut impl Future<Output = Ended>>,
        mut commands: mpsc::Receiver<Command>,
    ) -> Result<(), net::Error> {
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
                    Ok(command) => self.obey(&mut outbox, command).await?,
                    Err(error) => outbox.text(&wall::error(&error.to_string())).await?,
                },
                () = self.changes.changed() => {
                    if self.views.hub.is_shut_down() {
                        return outbox.close(close::GOING_AWAY, "the hub is shutting down").await;
                    }
                    self.open_wanted();
                    list.reset_immediately();
                }
                _ = list.tick() => {
                    self.open_wanted();
                    self.send_list(&mut outbox).await?;
                }
                ended = reading.as_mut() => return websocket::farewell(&mut outbox, &ended).await,
                Some(obligation) = outbox.obligation() => outbox.fulfil(obligation).await?,
            }
        }
    }

    async fn obey(&mut self, outbox: &mut Outbox, command: ClientMessage) -> Result<(), net::Error> {
        match command {
            ClientMessage::Watch { streams } => {
                let usual = self.views.default_fps;
                let named = streams
                    .into_iter()
                    .filter_map(|(name, request)| Some((name.parse().ok()?, want(request, usual))));
                // What the grant does not show is as if it were not there.
                self.wanted = named.filter(|(name, _)| self.grant.shows(name)).collect();
                self.tiles.retain(|name, _| self.wanted.contains_key(name));
                for error in self.open_wanted() {
                    outbox.text(&wall::error(&error.to_string())).await?;
                }
            }
            ClientMessage::Shown { stream, seq } => {
                if let Some(tile) = self.tiles.get_mut(stream.as_str()) {
                    tile.unacknowledged.retain(|&sent| sent > seq);
                }
            }
        }
        Ok(())
    }

    /// Subscribes to what is wanted, live, and not open yet; a request for a stream that comes later waits. Returns why
    /// streams cannot be shown at all.
    fn open_wanted(&mut self) -> Vec<Error> {
        let mut refused = Vec::new();
        for (name, want) in &self.wanted {
            if let Some(tile) = self.tiles.get_mut(name)
                && tile.suits(want)
            {
                tile.catch_up(&self.views);
                continue;
            }
            let Some(stream) = self.views.hub.stream(name) else { continue };
            match Tile::open(&self.views, &stream, want.clone()) {
                Ok(mut tile) => {
                    // What is on its way to the client stays so.
                    if let Some(before) = self.tiles.remove(name) {
                        tile.unacknowledged = before.unacknowledged;
                    }
                    self.tiles.insert(name.clone(), tile);
                }
                Err(error) => refused.push(error),
            }
        }
        refused
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
                if tile.unacknowledged.len() >= WINDOW {
                    continue;
                }
                match tile.reader.poll_recv(cx) {
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
    ) -> Result<(), net::Error> {
        let frame = &delivery.frame;
        if let Some(tile) = self.tiles.get_mut(&name) {
            tile.unacknowledged.push(frame.seq);
        }
        let age = self.views.observe_age(frame);
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
            Ok(header) => outbox.pieces(false, &[&header[..], &frame.payload[..]]).await,
            Err(error) => outbox.text(&wall::error(&error.to_string())).await,
        }
    }

    async fn say_gone(
        &mut self,
        outbox: &mut Outbox,
        name: &StreamName,
        reason: Closed,
    ) -> Result<(), net::Error> {
        self.tiles.remove(name);
        // It may have been made anew in the meantime; and where only its analysis has ended, it goes on as published.
        self.open_wanted();
        if reason == Closed::Retired && self.tiles.contains_key(name) {
            return Ok(());
        }
        outbox.text(&wall::gone(name.as_str(), &format!("stream '{name}' has ended: {reason}"))).await
    }

    async fn send_list(&self, outbox: &mut Outbox) -> Result<(), net::Error> {
        match (self.list)() {
            Ok(list) => outbox.text(&list).await,
            Err(error) => outbox.text(&wall::error(&error.to_string())).await,
        }
    }
}
