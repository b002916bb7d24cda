//! The client of a request, and the address by which it reached the hub: those of the connection, or, behind a trusted
//! proxy (`server.trusted_proxies`), those of its `X-Forwarded-*` headers. From any other client they are ignored.

use std::net::{IpAddr, SocketAddr};

use access::Cidr;
use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap, Uri, header};
use transport::Encrypted;

use crate::BasePath;

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

/// The path that a trusted proxy has taken off the request's; nothing where it is none.
pub(crate) fn prefix(trusted: &[Cidr], headers: &HeaderMap, extensions: &Extensions) -> BasePath {
    let Some(prefix) = last(headers, "x-forwarded-prefix") else { return BasePath::default() };
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let is_trusted = peer.is_some_and(|peer| trusted.iter().any(|block| block.contains(peer)));
    if is_trusted { prefix.parse().unwrap_or_default() } else { BasePath::default() }
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
mod tests;
