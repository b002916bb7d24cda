//! The client of a request, and the address by which it reached the hub: those of the connection, or, behind a trusted
//! proxy (`server.trusted_proxies`), those of its `X-Forwarded-*` headers. From any other client they are ignored.

use std::net::{IpAddr, SocketAddr};

use access::Cidr;
use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap, Uri, header};

use crate::transport::Encrypted;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// None where there is no connection, as in tests.
    pub(crate) address: Option<IpAddr>,
    pub(crate) is_https: bool,
    /// Host and port as the caller knows them.
    pub(crate) host: Option<String>,
}

impl Caller {
    /// The address alone, which costs next to nothing.
    pub(crate) fn address_of(
        trusted: &[Cidr],
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Option<IpAddr> {
        let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
        let peer = peer.ip().to_canonical();
        let is_trusted = |address: IpAddr| trusted.iter().any(|block| block.contains(address));
        let forwarded = if is_trusted(peer) { forwarded_for(headers, is_trusted) } else { None };
        Some(forwarded.unwrap_or(peer))
    }

    pub(crate) fn of(trusted: &[Cidr], uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let peer =
            extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let is_trusted = |address: IpAddr| trusted.iter().any(|block| block.contains(address));
        let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
        let own = Self {
            address: Self::address_of(trusted, headers, extensions),
            is_https: extensions.get::<Encrypted>().is_some(),
            host: asked.or_else(|| uri.authority().map(|authority| authority.as_str().to_owned())),
        };
        if !peer.is_some_and(is_trusted) {
            return own;
        }
        Self {
            is_https: last(headers, "x-forwarded-proto")
                .map_or(own.is_https, |proto| proto.eq_ignore_ascii_case("https")),
            host: last(headers, "x-forwarded-host").map(str::to_owned).or(own.host),
            ..own
        }
    }

    /// The address of the hub's root as the caller knows it, without a slash at its end.
    pub(crate) fn base(&self) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        format!("{scheme}://{}", self.host.as_deref().unwrap_or("localhost"))
    }
}

/// Each proxy appends the address of its client, so the last that is no proxy of ours is the caller; what stands before
/// may be invented.
fn forwarded_for(headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut nearest = None;
    for hop in hops.into_iter().rev() {
        let Some(address) = address(hop) else { break };
        nearest = Some(address);
        if !is_trusted(address) {
            break;
        }
    }
    nearest
}

/// With or without a port, an IPv6 address in brackets or not.
fn address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    hop.parse().ok().or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

/// The value of the nearest proxy.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn caller(peer: &str, headers: &[(&'static str, &str)]) -> Caller {
        let trusted: Vec<Cidr> = vec!["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        Caller::of(&trusted, &Uri::from_static("/"), &map, &extensions)
    }

    fn seen(peer: &str, forwarded: &str) -> String {
        caller(peer, &[("x-forwarded-for", forwarded)]).address.unwrap().to_string()
    }

    #[test]
    fn a_stranger_is_who_connects_whatever_they_say() {
        let said = [
            ("host", "hub:5000"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "bank.example"),
        ];
        let stranger = caller("203.0.113.9", &said);
        assert_eq!(stranger.address, Some("203.0.113.9".parse().unwrap()));
        assert_eq!(stranger.base(), "http://hub:5000");
    }

    #[test]
    fn a_trusted_proxy_says_for_whom_it_asks() {
        assert_eq!(seen("127.0.0.1", "198.51.100.1"), "198.51.100.1");
        assert_eq!(seen("::ffff:127.0.0.1", "198.51.100.1"), "198.51.100.1");
        assert_eq!(
            seen("127.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.3"),
            "198.51.100.1",
            "1.1.1.1 may be invented"
        );
        assert_eq!(seen("127.0.0.1", "10.0.0.5, 10.0.0.3"), "10.0.0.5", "all are ours");
        assert_eq!(seen("127.0.0.1", "[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(seen("127.0.0.1", "1.1.1.1, unknown"), "127.0.0.1");
        let said =
            [("host", "inside"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "video.example")];
        assert_eq!(caller("10.1.1.1", &said).base(), "https://video.example");
    }
}
