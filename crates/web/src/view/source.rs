//! Where a view's frames come from: one named stream until it ends, whatever stream plays a part at the time (that of
//! the default stream, that of the robot's), or a recording.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use hub::{Changes, Class, Frame, Rule, Start, Stream, StreamName, SubscribeError, Subscriber};
use record::RecordingId;

use super::{Offset, Past, Speed, replay::ReplaySource};
use crate::{App, clock, error::ApiError};

#[derive(Debug)]
pub(crate) enum Source {
    Named(Subscriber),
    Following(Box<Following>),
    Replay(Box<ReplaySource>),
}

/// The stream that plays a part: it may come later, end, and be another one afterwards. Ends only with the hub.
#[derive(Debug)]
pub(crate) struct Following {
    app: Arc<App>,
    /// Which stream plays the part now.
    choose: fn(&App) -> Option<Stream>,
    changes: Changes,
    current: Option<Subscriber>,
    /// The waiting picture has been shown since the last stream ended.
    waiting_shown: bool,
}

impl Source {
    pub(crate) fn named(stream: &Stream, start: Start) -> Result<Self, SubscribeError> {
        Ok(Self::Named(stream.subscribe(Rule::Latest, Class::Viewer, start)?))
    }

    /// Whatever stream `choose` gives at the time.
    pub(crate) fn following(app: Arc<App>, choose: fn(&App) -> Option<Stream>) -> Self {
        let changes = app.hub().changes();
        Self::Following(Box::new(Following { app, choose, changes, current: None, waiting_shown: false }))
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
            Self::Named(subscriber) => Some(subscriber.stream()),
            Self::Following(_) | Self::Replay(_) => None,
        }
    }

    /// Its frames are new: their age says how fast the hub is.
    pub(crate) fn is_live(&self) -> bool {
        !matches!(self, Self::Replay(_))
    }

    /// The next frame by the viewer's rule; `None` at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<Frame>>> {
        match self {
            Self::Named(subscriber) => poll_subscriber(subscriber, cx),
            Self::Following(source) => source.poll_next(cx),
            Self::Replay(source) => source.poll_next(cx),
        }
    }

    /// The frame that the viewer is looking at, for repeating it.
    pub(crate) fn newest(&self) -> Option<Arc<Frame>> {
        match self {
            Self::Named(subscriber) => subscriber.stream().newest(),
            Self::Following(source) => source.newest(),
            Self::Replay(source) => source.newest(),
        }
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
                    Poll::Pending if self.newest_of_current().is_some() => return Poll::Pending,
                    // A stream without a frame yet: the waiting picture, once.
                    Poll::Pending => return self.poll_placeholder(),
                }
                continue;
            }
            if self.app.hub().is_shut_down() {
                return Poll::Ready(None);
            }
            if let Some(stream) = (self.choose)(&self.app) {
                self.current = stream.subscribe(Rule::Latest, Class::Viewer, Start::Newest).ok();
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

    fn newest_of_current(&self) -> Option<Arc<Frame>> {
        self.current.as_ref().and_then(|subscriber| subscriber.stream().newest())
    }

    fn newest(&self) -> Option<Arc<Frame>> {
        self.newest_of_current().or_else(|| self.app.placeholder().frame(clock::now()))
    }
}
