//! Where a view's frames come from: one named stream until it ends; whatever stream plays a part at the time (the
//! default stream, the robot's); or a recording.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use derive::Reader;
use hub::{Changes, Frame, Stream, Want};

use super::{Views, replay::ReplaySource};
use crate::error::ApiError;

pub(crate) enum Source {
    Named(Reader),
    Following(Box<Following>),
    Replay(Box<ReplaySource>),
}

/// Which stream plays the part now.
type Choose = Box<dyn Fn() -> Option<Stream> + Send>;

/// The stream that plays a part: it may come later, end, and be another one afterwards; a better one that comes takes
/// over. Ends only with the hub.
pub(crate) struct Following {
    views: Arc<Views>,
    choose: Choose,
    want: Want,
    changes: Changes,
    current: Option<Reader>,
    /// The waiting picture has been shown since the last stream ended.
    waiting_shown: bool,
}

impl Source {
    /// One stream until it ends.
    pub(crate) fn named(views: &Views, stream: &Stream, want: &Want) -> Result<Self, ApiError> {
        Ok(Self::Named(views.derive.subscribe(stream, want)?))
    }

    /// Whatever stream `choose` gives at the time.
    pub(crate) fn following(
        views: &Arc<Views>,
        choose: impl Fn() -> Option<Stream> + Send + 'static,
        want: Want,
    ) -> Result<Self, ApiError> {
        let changes = views.hub.changes();
        // A form that cannot be had is refused now, while there is a response to refuse it with.
        let current = choose().map(|stream| views.derive.subscribe(&stream, &want)).transpose()?;
        let (views, choose) = (Arc::clone(views), Box::new(choose));
        let following = Following { views, choose, want, changes, current, waiting_shown: false };
        Ok(Self::Following(Box::new(following)))
    }

    /// The live stream that is being watched by name.
    pub(crate) fn stream(&self) -> Option<&Stream> {
        match self {
            Self::Named(reader) => Some(reader.stream()),
            Self::Following(_) | Self::Replay(_) => None,
        }
    }

    /// Its frames are new: their age says how fast the hub is.
    pub(crate) fn is_live(&self) -> bool {
        !matches!(self, Self::Replay(_))
    }

    /// The next frame, at the rate that was asked for; `None` at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<Frame>>> {
        match self {
            Self::Named(reader) => poll_reader(reader, cx),
            Self::Following(source) => source.poll_next(cx),
            Self::Replay(source) => source.poll_next(cx),
        }
    }

    /// The frame that the viewer sees now, for repeating it.
    pub(crate) fn newest(&self) -> Option<Arc<Frame>> {
        match self {
            Self::Named(reader) => reader.newest(),
            Self::Following(source) => source.current.as_ref().and_then(Reader::newest),
            Self::Replay(source) => source.newest(),
        }
    }
}

fn poll_reader(reader: &mut Reader, cx: &mut Context<'_>) -> Poll<Option<Arc<Frame>>> {
    let delivery = ready!(reader.poll_recv(cx));
    Poll::Ready(delivery.ok().map(|delivery| delivery.frame))
}

impl Following {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<Frame>>> {
        loop {
            if let Some(reader) = &mut self.current {
                match poll_reader(reader, cx) {
                    Poll::Ready(Some(frame)) => {
                        self.waiting_shown = false;
                        return Poll::Ready(Some(frame));
                    }
                    Poll::Ready(None) => self.current = None,
                    Poll::Pending if self.is_replaced(cx) => self.current = None,
                    Poll::Pending if self.has_frame() => return Poll::Pending,
                    // A stream without a frame yet: the waiting picture, once.
                    Poll::Pending => return self.poll_placeholder(),
                }
                continue;
            }
            if self.views.hub.is_shut_down() {
                return Poll::Ready(None);
            }
            if let Some(stream) = (self.choose)() {
                self.current = self.views.derive.subscribe(&stream, &self.want).ok();
            }
            if self.current.is_none() && self.changes.poll_changed(cx).is_pending() {
                return self.poll_placeholder();
            }
        }
    }

    /// Whether another stream plays the part by now: the demo gives way to the first that is published.
    fn is_replaced(&mut self, cx: &mut Context<'_>) -> bool {
        let mut replaced = false;
        while !replaced && self.changes.poll_changed(cx).is_ready() {
            let stream = self.current.as_ref().map(Reader::stream);
            let epoch = stream.map(|stream| stream.parent().unwrap_or(stream).epoch());
            replaced = (self.choose)().is_some_and(|chosen| Some(chosen.epoch()) != epoch);
        }
        replaced
    }

    fn poll_placeholder(&mut self) -> Poll<Option<Arc<Frame>>> {
        if self.waiting_shown {
            return Poll::Pending;
        }
        self.waiting_shown = true;
        self.views.placeholder().map_or(Poll::Pending, |frame| Poll::Ready(Some(frame)))
    }

    /// The current stream has a frame, though a rendition's may still be in the making.
    fn has_frame(&self) -> bool {
        let stream = self.current.as_ref().map(Reader::stream);
        stream.is_some_and(|stream| stream.parent().unwrap_or(stream).newest().is_some())
    }
}
