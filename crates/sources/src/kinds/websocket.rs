//! `ws://` and `wss://`: a binary message is a picture, a text message is JSON with a picture in base64. Other messages
//! are passed over.

use std::convert::Infallible;

use bytes::Bytes;
use fastwebsockets::{FragmentCollector, OpCode};
use ingest::pull::{self, Intake, captured_now, websocket::connect};
use url::Url;
use wire::view::{Incoming, max_message_bytes};

pub(super) async fn run(url: &Url, intake: &mut Intake<'_>) -> Result<Infallible, pull::Error> {
    let max_frame_bytes = intake.admission().limits().max_bytes;
    let (mut socket, _driver) = connect(url).await?;
    socket.set_max_message_size(max_message_bytes(max_frame_bytes));
    let mut socket = FragmentCollector::new(socket);
    loop {
        let frame = socket.read_frame().await.map_err(|error| pull::Error::broken(&error))?;
        let captured = captured_now();
        match frame.opcode {
            OpCode::Binary => intake.picture(Bytes::from(Vec::from(frame.payload)), captured).await?,
            OpCode::Text => {
                let text = str::from_utf8(&frame.payload).unwrap_or_default();
                match wire::view::parse(text, max_frame_bytes) {
                    Ok(Incoming::Frame(bytes)) => intake.picture(bytes, captured).await?,
                    Ok(Incoming::Other) => {}
                    Err(error) => intake.skip(&error),
                }
            }
            OpCode::Close => return Err(pull::Error::Ended),
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}
