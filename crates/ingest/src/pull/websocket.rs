//! Opening a WebSocket to a camera or a simulator.

use ::http::{HeaderValue, Request, StatusCode, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use fastwebsockets::{Role, WebSocket, handshake};
use http_body_util::Empty;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use url::Url;

use super::{
    Error,
    http::request::{ANSWER_TIMEOUT, Driver, authority, credentials, open, refused, target},
};

/// An open WebSocket, which ends with its driver.
///
/// # Errors
/// Why there is none.
pub async fn connect(url: &Url) -> Result<(WebSocket<TokioIo<Upgraded>>, Driver), Error> {
    let mut request = Request::get(target(url))
        .header(header::HOST, authority(url))
        .header(header::USER_AGENT, concat!("framehub/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, handshake::generate_key());
    let has_password = !url.username().is_empty();
    if has_password {
        let (username, password) = credentials(url);
        let basic = format!("Basic {}", STANDARD.encode(format!("{username}:{password}")));
        let mut basic = HeaderValue::try_from(basic).map_err(|error| Error::broken(&error))?;
        basic.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, basic);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| Error::broken(&error))?;
    let (mut sender, driver) = open(url).await?;
    let upgraded = async {
        let mut answer = sender.send_request(request).await.map_err(|error| Error::broken(&error))?;
        match answer.status() {
            StatusCode::SWITCHING_PROTOCOLS => {}
            status if status.is_success() => {
                return Err(Error::NoWebSocket);
            }
            status => return Err(refused(status, has_password)),
        }
        hyper::upgrade::on(&mut answer).await.map_err(|error| Error::broken(&error))
    };
    let upgraded = timeout(ANSWER_TIMEOUT, upgraded).await;
    let upgraded = upgraded.map_err(|_| Error::Slow { what: "the answer", after: ANSWER_TIMEOUT })??;
    Ok((WebSocket::after_handshake(TokioIo::new(upgraded), Role::Client), driver))
}
