//! Asking for a URL: connection, credentials (Basic and Digest, when the other side asks for them), redirects.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_auth::{PasswordClient, PasswordParams};
use http_body_util::Empty;
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::{task::AbortHandle, time::timeout};
use url::Url;

use crate::pull::Error;

/// Connecting, TLS included. A camera on a radio link answers within that or not at all.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// From the request to the answer's head.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Browsers follow 20; a camera that moves more than this runs in a circle.
const MOST_REDIRECTS: usize = 5;

/// Ends the task that drives a connection together with whatever came over it.
#[derive(Debug)]
pub struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An answer's head, and its body to be read.
#[derive(Debug)]
pub(super) struct Answer {
    headers: HeaderMap,
    pub body: Incoming,
    _driver: Driver,
}

impl Answer {
    pub(super) fn content_type(&self) -> &str {
        self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Asks for one URL, and remembers how it has to identify itself.
pub(super) struct Caller {
    url: Url,
    password: Option<PasswordClient>,
}

impl Caller {
    pub(super) fn new(url: &Url) -> Self {
        Self { url: url.clone(), password: None }
    }

    pub(super) async fn get(&mut self) -> Result<Answer, Error> {
        let mut tried_password = false;
        for _ in 0..=MOST_REDIRECTS {
            let (response, driver) = self.ask().await?;
            let status = response.status();
            if status == StatusCode::OK {
                let (head, body) = response.into_parts();
                return Ok(Answer { headers: head.headers, body, _driver: driver });
            }
            if status == StatusCode::UNAUTHORIZED && !tried_password && !self.url.username().is_empty() {
                tried_password = true;
                self.password = Some(challenge(&response)?);
                continue;
            }
            let Some(location) = response.headers().get(header::LOCATION).filter(|_| status.is_redirection())
            else {
                return Err(refused(status, !self.url.username().is_empty()));
            };
            self.follow(location)?;
        }
        Err(Error::Redirects { limit: MOST_REDIRECTS })
    }

    async fn ask(&mut self) -> Result<(Response<Incoming>, Driver), Error> {
        let authorization = self.authorization()?;
        let mut request = Request::get(target(&self.url))
            .header(header::HOST, authority(&self.url))
            .header(header::USER_AGENT, concat!("framehub/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "multipart/x-mixed-replace, image/jpeg, image/png;q=0.9, */*;q=0.1");
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|error| Error::broken(&error))?;
        let (mut sender, driver) = open(&self.url).await?;
        let answer = timeout(ANSWER_TIMEOUT, sender.send_request(request)).await;
        let answer = answer.map_err(|_| Error::Slow { what: "the answer", after: ANSWER_TIMEOUT })?;
        Ok((answer.map_err(|error| Error::broken(&error))?, driver))
    }

    fn authorization(&mut self) -> Result<Option<HeaderValue>, Error> {
        let Some(client) = &mut self.password else { return Ok(None) };
        let (username, password) = credentials(&self.url);
        let uri = target(&self.url);
        let params = PasswordParams {
            username: &username,
            password: &password,
            uri: &uri,
            method: "GET",
            body: Some(&[]),
        };
        let value = client.respond(&params).map_err(|reason| Error::Challenge { reason })?;
        let mut value = HeaderValue::try_from(value).map_err(|error| Error::broken(&error))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The password goes along only to the host that it was given for.
    fn follow(&mut self, location: &HeaderValue) -> Result<(), Error> {
        let unusable = || Error::RedirectTarget;
        let mut next = self.url.join(location.to_str().map_err(|_| unusable())?).map_err(|_| unusable())?;
        if !matches!(next.scheme(), "http" | "https") || next.host_str().is_none() {
            return Err(unusable());
        }
        let same = next.origin() == self.url.origin();
        if same && next.username().is_empty() {
            let (username, password) =
                (self.url.username().to_owned(), self.url.password().map(str::to_owned));
            next.set_username(&username).map_err(|()| unusable())?;
            next.set_password(password.as_deref()).map_err(|()| unusable())?;
        }
        self.password = self.password.take().filter(|_| same);
        self.url = next;
        Ok(())
    }
}

/// An HTTP/1.1 connection to the URL's host.
pub async fn open(url: &Url) -> Result<(SendRequest<Empty<Bytes>>, Driver), Error> {
    let secure = matches!(url.scheme(), "https" | "wss");
    let port = url.port_or_known_default().unwrap_or(if secure { 443 } else { 80 });
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let connection = net::connect(host, port, secure, CONNECT_TIMEOUT).await?;
    let (sender, connection) =
        http1::handshake(TokioIo::new(connection)).await.map_err(|error| Error::broken(&error))?;
    // Its error is told to whoever waits for the answer or the body.
    let driver = tokio::spawn(async move { drop(connection.with_upgrades().await) });
    Ok((sender, Driver(driver.abort_handle())))
}

/// `host:port` as the `Host` header wants it.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Path and query.
pub fn target(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// User and password of the URL, decoded.
pub fn credentials(url: &Url) -> (String, String) {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    (decode(url.username()), decode(url.password().unwrap_or_default()))
}

fn challenge(response: &Response<Incoming>) -> Result<PasswordClient, Error> {
    let challenges = response.headers().get_all(header::WWW_AUTHENTICATE);
    let mut builder = PasswordClient::builder();
    for text in challenges.iter().filter_map(|value| value.to_str().ok()) {
        builder = builder.challenges(text);
    }
    builder.build().map_err(|reason| Error::Challenge { reason: reason.to_string() })
}

pub fn refused(status: StatusCode, has_password: bool) -> Error {
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if has_password => {
            ": user or password are not taken"
        }
        StatusCode::UNAUTHORIZED => ": it wants a password; write http://USER:PASSWORD@HOST/…",
        StatusCode::NOT_FOUND => ": there is nothing at this address",
        _ => "",
    };
    Error::Refused { status: status.as_u16(), hint }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_password_stays_with_its_host() {
        let mut caller = Caller::new(&"http://u:p@cam/a?x=1".parse().unwrap());
        caller.follow(&HeaderValue::from_static("/b")).unwrap();
        assert_eq!(caller.url.as_str(), "http://u:p@cam/b");
        caller.follow(&HeaderValue::from_static("http://elsewhere/c")).unwrap();
        assert_eq!(caller.url.as_str(), "http://elsewhere/c");
        assert!(caller.follow(&HeaderValue::from_static("file:///etc/passwd")).is_err());
    }

    #[test]
    fn credentials_are_decoded() {
        let url = "http://me%40home:p%3A%2F@cam/".parse().unwrap();
        assert_eq!(credentials(&url), ("me@home".to_owned(), "p:/".to_owned()));
    }
}
