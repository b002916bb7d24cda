//! Where a view's frames come from: one named stream until it ends, whatever stream plays a part at the time (that of
//! the default stream, that of the robot's), or a recording.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use access::Grant;
use hub::{Changes, Class, Frame, Rule, Start, Stream, StreamName, Subscriber};
use record::RecordingId;

use super::{Offset, Past, Speed, replay::ReplaySource};
use crate::{
    App, clock,
    error::ApiError,
    renditions::{Look, Wish},
};

#[derive(Debug)]
pub(crate) enum Source {
    Named {
        subscriber: Subscriber,
        /// It comes at the rate asked for already.
        is_paced: bool,
    },
    Following(Box<Following>),
    Replay(Box<ReplaySource>),
}

/// The stream that plays a part among those that the grant shows: it may come later, end, and be another one
/// afterwards. Ends only with the hub.
#[derive(Debug)]
pub(crate) struct Following {
    app: Arc<App>,
    grant: Grant,
    /// Which stream plays the part now.
    choose: fn(&App, &Grant) -> Option<Stream>,
    /// As what it is shown, unless as published.
    wish: Option<Wish>,
    changes: Changes,
    current: Option<Subscriber>,
    /// The waiting picture has been shown since the last stream ended.
    waiting_shown: bool,
}

impl Source {
    /// One stream until it ends. A look of its own is made at `fps` at most.
    pub(crate) fn named(app: &App, stream: &Stream, look: Look, fps: Option<f64>) -> Result<Self, ApiError> {
        let wish = Wish::unless_as_published(look, fps);
        Ok(Self::Named { subscriber: subscribe(app, stream, wish)?, is_paced: wish.is_some() })
    }

    /// Whatever stream `choose` gives at the time. A look of its own is made at `fps` at most.
    pub(crate) fn following(
        app: Arc<App>,
        grant: Grant,
        choose: fn(&App, &Grant) -> Option<Stream>,
        look: Look,
        fps: Option<f64>,
    ) -> Result<Self, ApiError> {
        let wish = Wish::unless_as_published(look, fps);
        let changes = app.hub().changes();
        // What cannot be made is refused now, while a refusal can be told.
        let stream = wish.and_then(|_| choose(&app, &grant));
        let current = stream.map(|stream| subscribe(&app, &stream, wish)).transpose()?;
        let following = Following { app, grant, choose, wish, changes, current, waiting_shown: false };
        Ok(Self::Following(Box::new(following)))
    }

    /// A live stream as it was, staying that far behind.
    pub(crate) async fn past(app: &Arc<App>, stream: &StreamName, past: Past) -> Result<Self, ApiError> {
        Ok(Self::Replay(Box::new(ReplaySource::past(app, stream, past).await?)))
    }

    pub(crate) async fn recording(
        app: &Arc<App>,
        id: RecordingId,
        from: Offset,
        speed: Speed,
    ) -> Result<Self, ApiError> {
        Ok(Self::Replay(Box::new(ReplaySource::recording(app, id, from, speed).await?)))
    }

    /// The live stream that is being watched by name.
    pub(crate) fn stream(&self) -> Option<&Stream> {
        match self {
            Self::Named { subscriber, .. } => Some(subscriber.stream()),
            Self::Following(_) | Self::Replay(_) => None,
        }
    }

    /// Its frames are new: their age says how fast the hub is.
    pub(crate) fn is_live(&self) -> bool {
        !matches!(self, Self::Replay(_))
    }

    /// Its frames come at the rate asked for already.
    pub(crate) fn is_paced(&self) -> bool {
        match self {
            Self::Named { is_paced, .. } => *is_paced,
            Self::Following(source) => source.wish.is_some(),
            Self::Replay(_) => false,
        }
    }

    /// The next frame by the viewer's rule; `None` at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<Frame>>> {
        match self {
            Self::Named { subscriber, .. } => poll_subscriber(subscriber, cx),
            Self::Following(source) => source.poll_next(cx),
            Self::Replay(source) => source.poll_next(cx),
        }
    }

    /// The frame that the viewer is looking at, for repeating it.
    pub(crate) fn newest(&self) -> Option<Arc<Frame>> {
        match self {
            Self::Named { subscriber, .. } => subscriber.stream().newest(),
            Self::Following(source) => source.newest(),
            Self::Replay(source) => source.newest(),
        }
    }
}

/// A viewer of the stream: as wished for, or as published.
pub(super) fn subscribe(app: &App, stream: &Stream, wish: Option<Wish>) -> Result<Subscriber, ApiError> {
    match wish {
        Some(wish) => app.renditions().subscribe(stream, wish),
        None => Ok(stream.subscribe(Rule::Latest, Class::Viewer, Start::Newest)?),
    }
}

fn poll_subscriber(subscriber: &mut Subscriber, cx: &mut Context<'_>) -> Poll<Option<Arc<Frame>>> {
    let delivery = std::task::ready!(subscriber.poll_recv(cx));
    Poll::Ready(delivery.ok().map(|delivery| delivery.frame))
}

impl Following {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<Frame>>> {
        loop {
            if let Some(subscriber) = &mut self.current {
                match poll_subscriber(subscriber, cx) {
                    Poll::Ready(Some(frame)) => {
                        self.waiting_shown = false;
                        return Poll::Ready(Some(frame));
                    }
                    Poll::Ready(None) => self.current = None,
                    Poll::Pending if self.has_frame() => return Poll::Pending,
                    // A stream without a frame yet: the waiting picture, once.
                    Poll::Pending => return self.poll_placeholder(),
                }
                continue;
            }
            if self.app.hub().is_shut_down() {
                return Poll::Ready(None);
            }
            if let Some(stream) = (self.choose)(&self.app, &self.grant) {
                self.current = subscribe(&self.app, &stream, self.wish).ok();
            }
            if self.current.is_none() && self.changes.poll_changed(cx).is_pending() {
                return self.poll_placeholder();
            }
        }
    }

    fn poll_placeholder(&mut self) -> Poll<Option<Arc<Frame>>> {
        if self.waiting_shown {
            return Poll::Pending;
        }
        self.waiting_shown = true;
        match self.app.placeholder().frame(clock::now()) {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Poll::Pending,
        }
    }

    /// The current stream has a frame, though a rendition's may still be in the making.
    fn has_frame(&self) -> bool {
        let stream = self.current.as_ref().map(Subscriber::stream);
        stream.is_some_and(|stream| stream.parent().unwrap_or(stream).newest().is_some())
    }

    fn newest_of_current(&self) -> Option<Arc<Frame>> {
        self.current.as_ref().and_then(|subscriber| subscriber.stream().newest())
    }

    fn newest(&self) -> Option<Arc<Frame>> {
        self.newest_of_current().or_else(|| self.app.placeholder().frame(clock::now()))
    }
}
