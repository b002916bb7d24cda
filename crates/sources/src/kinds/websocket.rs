//! `ws://` and `wss://`: a binary message is a picture, a text message is JSON with a picture in base64. Other messages
//! are passed over.

use std::convert::Infallible;

use ingest::pull::{Error, Intake, Messages, captured_now, connect};
use tokio::select;
use url::Url;
use wire::view::{Incoming, max_message_bytes};

pub(super) async fn run(url: &Url, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
    let max_message_bytes = max_message_bytes(intake.admission().limits().max_bytes);
    let (messages, mut outbox) = connect(url, max_message_bytes).await?;
    let answering = async {
        while let Some(obligation) = outbox.obligation().await {
            outbox.fulfil(obligation).await?;
        }
        std::future::pending::<Result<Infallible, net::Error>>().await
    };
    select! {
        end = read(messages, intake) => end,
        end = answering => Ok(end?),
    }
}

async fn read(mut messages: Messages, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
    loop {
        let message = messages.next().await?;
        let captured = captured_now();
        let is_text = message.is_text();
        let bytes = message.into_bytes();
        if !is_text {
            intake.picture(bytes, captured).await?;
            continue;
        }
        let text = str::from_utf8(&bytes).unwrap_or_default();
        match wire::view::parse(text, intake.admission().limits().max_bytes) {
            Ok(Incoming::Frame(picture)) => intake.picture(picture, captured).await?,
            Ok(Incoming::Other) => {}
            Err(error) => intake.skip(&error),
        }
    }
}
