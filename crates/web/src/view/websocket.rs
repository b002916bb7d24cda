//! The WebSocket view of one stream (document 002): JSON text messages, or with `?format=binary` a message a frame.

use std::{
    pin::{Pin, pin},
    sync::Arc,
};

use axum::{extract::Request, response::Response};
use bytes::Bytes;
use hub::{Frame, StreamName};
use serde::Deserialize;
use tokio::time::Instant;
use wire::view;

use super::{Fps, Pacer, Source};
use crate::{
    App,
    websocket::{self, Ended, Inbox, Outbox, close},
};

/// Viewers send nothing that matters yet; this bounds what they may send.
const MAX_MESSAGE: usize = 64 * 1024;

#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    #[default]
    Json,
    Binary,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    #[serde(default)]
    format: Format,
    pub(crate) fps: Option<Fps>,
}

/// The conversation that shows `source` under the name of its stream until it ends.
pub(crate) fn response(
    app: Arc<App>,
    name: StreamName,
    source: Source,
    query: &Query,
    request: Request,
) -> Response {
    let format = query.format;
    let fps = if source.is_paced() { None } else { app.rate(query.fps) };
    websocket::accept(request, MAX_MESSAGE, move |inbox, outbox| async move {
        let view = View { app, name, source, format, pacer: Pacer::new(fps, Instant::now()) };
        view.run(inbox, outbox).await;
    })
}

struct View {
    app: Arc<App>,
    name: StreamName,
    source: Source,
    format: Format,
    pacer: Pacer,
}

impl View {
    async fn run(mut self, mut inbox: Inbox, mut outbox: Outbox) {
        let reading = async {
            loop {
                if let Err(ended) = inbox.next().await {
                    return ended;
                }
            }
        };
        if let Err(error) = self.write(&mut outbox, pin!(reading)).await {
            tracing::debug!(stream = %self.name, %error, "WebSocket viewer left");
        }
        if self.format == Format::Json
            && let Some(stream) = self.source.stream()
            && stream.demand().viewers <= 1
        {
            self.app.base64().forget(stream);
        }
    }

    /// Until the stream or the reading ends. Reading goes on between two messages only, so none is torn by its end.
    async fn write(
        &mut self,
        outbox: &mut Outbox,
        mut reading: Pin<&mut impl Future<Output = Ended>>,
    ) -> Result<(), fastwebsockets::WebSocketError> {
        outbox.text(&view::status(&format!("Connected to stream '{}'", self.name))).await?;
        let heartbeat = self.app.settings().heartbeat;
        loop {
            let next = std::future::poll_fn(|cx| {
                std::task::ready!(self.pacer.poll_due(cx));
                self.source.poll_next(cx)
            });
            tokio::select! {
                frame = next => match frame {
                    Some(frame) => self.send(outbox, &frame).await?,
                    None => return self.say_goodbye(outbox).await,
                },
                ended = reading.as_mut() => return outbox.farewell(&ended).await,
                Some(obligation) = outbox.obligation() => outbox.fulfil(obligation).await?,
                () = tokio::time::sleep(heartbeat) => outbox.ping().await?,
            }
        }
    }

    async fn send(
        &mut self,
        outbox: &mut Outbox,
        frame: &Frame,
    ) -> Result<(), fastwebsockets::WebSocketError> {
        let now = Instant::now();
        self.pacer.taken(now);
        if self.source.is_live() {
            self.app.metrics().observe_age(frame.age(now.into_std()));
        }
        match self.format {
            Format::Binary => outbox.binary(&frame.payload).await,
            Format::Json => outbox.text_bytes(&self.text(frame)).await,
        }
    }

    /// Viewers of one live stream share a text; a replay is its viewer's own.
    fn text(&self, frame: &Frame) -> Bytes {
        match self.source.stream() {
            Some(stream) => self.app.base64().message(stream, frame),
            None => view::frame(&frame.payload).into(),
        }
    }

    async fn say_goodbye(&mut self, outbox: &mut Outbox) -> Result<(), fastwebsockets::WebSocketError> {
        outbox.text(&view::status(&format!("Stream '{}' has ended", self.name))).await?;
        let code = if self.app.shutdown().is_cancelled() { close::GOING_AWAY } else { close::NORMAL };
        outbox.close(code, "the stream has ended").await
    }
}
