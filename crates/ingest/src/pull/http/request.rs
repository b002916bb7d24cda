//! Requests for one URL: credentials (Basic and Digest, when the server asks for them) and redirects.

use std::net::IpAddr;

use ::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use http_auth::{PasswordClient, PasswordParams};
use http_body_util::Empty;
use hyper::body::Incoming;
use net::http::{Http, get, target};
use url::Url;

use crate::pull::{
    connection::{ANSWER_TIMEOUT, CONNECT_TIMEOUT, credentials, refused},
    error::Error,
};

/// Browsers follow 20; a camera that moves more than this runs in a circle.
const MOST_REDIRECTS: usize = 5;

/// An answer's head, and its body to be read.
#[derive(Debug)]
pub(super) struct Answer {
    headers: HeaderMap,
    pub(super) body: Incoming,
    /// The body ends with it.
    http: Http<Empty<Bytes>>,
}

impl Answer {
    pub(super) fn content_type(&self) -> &str {
        self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether its head had to be mended.
    pub(super) fn was_odd(&self) -> bool {
        self.http.was_odd()
    }
}

/// Requests one URL, and remembers the credentials that the server wants.
pub(super) struct Caller {
    url: Url,
    password: Option<PasswordClient>,
    /// Where the configured address led.
    first: Option<Reach>,
}

impl Caller {
    pub(super) fn new(url: &Url) -> Self {
        Self { url: url.clone(), password: None, first: None }
    }

    pub(super) async fn get(&mut self) -> Result<Answer, Error> {
        let mut tried_password = false;
        for _ in 0..=MOST_REDIRECTS {
            let (response, http) = self.ask().await?;
            let status = response.status();
            if status == StatusCode::OK {
                let (head, body) = response.into_parts();
                check_coding(&head.headers)?;
                return Ok(Answer { headers: head.headers, body, http });
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

    async fn ask(&mut self) -> Result<(Response<Incoming>, Http<Empty<Bytes>>), Error> {
        let accept = "multipart/x-mixed-replace, image/jpeg, image/png;q=0.9, */*;q=0.1";
        let mut request = get(&self.url).header(header::ACCEPT, accept);
        if let Some(value) = self.authorization()? {
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request.body(Empty::new()).map_err(|error| net::Error::broken(&error))?;
        let mut http = Http::open_lenient(&self.url, CONNECT_TIMEOUT).await?;
        self.stay_outside(http.peer)?;
        let answer = http.ask(request, ANSWER_TIMEOUT).await?;
        Ok((answer, http))
    }

    /// A source must not make the hub ask what only the hub can reach.
    fn stay_outside(&mut self, peer: Option<IpAddr>) -> Result<(), Error> {
        let reach = peer.map_or(Reach::Machine, Reach::of);
        if reach > *self.first.get_or_insert(reach) { Err(Error::RedirectInside) } else { Ok(()) }
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
        let mut value = HeaderValue::try_from(value).map_err(|error| net::Error::broken(&error))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The password is sent only to the host that it was given for.
    fn follow(&mut self, location: &HeaderValue) -> Result<(), Error> {
        let unusable = || Error::RedirectTarget;
        let mut next = self.url.join(location.to_str().map_err(|_| unusable())?).map_err(|_| unusable())?;
        if !matches!(next.scheme(), "http" | "https") || next.host_str().is_none() {
            return Err(unusable());
        }
        if (self.url.scheme(), next.scheme()) == ("https", "http") {
            return Err(Error::RedirectInside);
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

/// From where an address can be reached; each less than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    World,
    /// Private networks (RFC 1918, 4193, 6598).
    Network,
    /// This machine, and what answers on its link alone, as the metadata services of clouds do.
    Machine,
}

impl Reach {
    fn of(address: IpAddr) -> Self {
        let (is_machine, is_network) = match address {
            IpAddr::V4(it) => (
                it.is_loopback() || it.is_unspecified() || it.is_link_local(),
                it.is_private() || (it.octets()[0] == 100 && it.octets()[1] & 0xC0 == 64),
            ),
            IpAddr::V6(it) => {
                (it.is_loopback() || it.is_unspecified() || it.is_unicast_link_local(), it.is_unique_local())
            }
        };
        match (is_machine, is_network) {
            (true, _) => Self::Machine,
            (_, true) => Self::Network,
            _ => Self::World,
        }
    }
}

/// Nothing packed was asked for.
fn check_coding(headers: &HeaderMap) -> Result<(), Error> {
    let coding =
        headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_plain = coding.is_empty() || coding.eq_ignore_ascii_case("identity");
    is_plain.then_some(()).ok_or_else(|| Error::Packed { coding: coding.chars().take(40).collect() })
}

fn challenge(response: &Response<Incoming>) -> Result<PasswordClient, Error> {
    let challenges = response.headers().get_all(header::WWW_AUTHENTICATE);
    let mut builder = PasswordClient::builder();
    for text in challenges.iter().filter_map(|value| value.to_str().ok()) {
        builder = builder.challenges(text);
    }
    builder.build().map_err(|reason| Error::Challenge { reason: reason.to_string() })
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
        caller.follow(&HeaderValue::from_static("https://elsewhere/c")).unwrap();
        assert!(
            caller.follow(&HeaderValue::from_static("http://elsewhere/c")).is_err(),
            "no way back from TLS"
        );
    }

    #[test]
    fn a_redirect_leads_no_further_in() {
        let follow = |from: &str, to: &str| {
            let mut caller = Caller::new(&"http://cam/".parse().unwrap());
            caller.stay_outside(Some(from.parse().unwrap())).unwrap();
            caller.stay_outside(Some(to.parse().unwrap())).is_ok()
        };
        for (from, to, is_followed) in [
            ("93.184.216.34", "1.1.1.1", true),
            ("10.0.0.7", "93.184.216.34", true),
            ("10.0.0.7", "192.168.1.2", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("93.184.216.34", "10.0.0.7", false),
            ("93.184.216.34", "fd00::1", false),
            ("93.184.216.34", "100.64.0.1", false),
            ("10.0.0.7", "127.0.0.1", false),
            ("10.0.0.7", "169.254.169.254", false),
            ("10.0.0.7", "0.0.0.0", false),
            ("10.0.0.7", "::1", false),
        ] {
            assert_eq!(follow(from, to), is_followed, "{from} {to}");
        }
    }
}
