//! The names under which browsers may speak to the hub. A page can make its own name resolve to the hub's address (DNS
//! rebinding), and is then of the hub's own origin for the browser: only the `Host` that the browser sends tells.
//!
//! It matters where rights come from nothing but reaching the hub. A key, a link or a cookie is of no use to such a
//! page, and over HTTPS there is no certificate for its name. Programs are let in under any name: nobody makes them
//! visit a page.

use std::{fs, net::IpAddr};

use http::{HeaderMap, StatusCode, header};

use crate::error::ApiError;

/// The names of the hub's machine, and those that are listed.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    own: Vec<String>,
    /// `server.allowed_hosts`, and the hosts of `server.allowed_origins`.
    listed: Vec<String>,
}

impl Names {
    pub(super) fn new(hosts: &[String], origins: &[String]) -> Self {
        let of_origins = origins.iter().map(|origin| name_of(after_scheme(origin)));
        let listed = hosts.iter().map(|host| name_of(host)).chain(of_origins);
        Self { own: of_this_machine(), listed: listed.map(str::to_ascii_lowercase).collect() }
    }

    /// Refuses a browser that knows the hub under a name that is not its own.
    pub(super) fn check(&self, host: &str) -> Result<(), ApiError> {
        if self.know(host) {
            return Ok(());
        }
        let shown: String = name_of(host).chars().take(100).collect();
        let message = format!(
            "this hub does not know itself by the name {shown:?}, under which a browser asks for it: if that is its \
             name, list it (server.allowed_hosts={shown}), or set a key (API_KEYS)"
        );
        Err(ApiError::new(StatusCode::FORBIDDEN, "HOST_REFUSED", message))
    }

    fn know(&self, host: &str) -> bool {
        let name = name_of(host).to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let is_listed = |listed: &String| match listed.strip_prefix('*') {
            Some(domain) => domain.is_empty() || name.ends_with(domain),
            None => listed == name,
        };
        is_address(name)
            || is_local(name)
            || self.own.iter().any(|own| own == name)
            || self.listed.iter().any(is_listed)
    }
}

/// Without the port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        // A colon within an IPv6 address begins no port.
        Some((name, port)) if !port.contains(']') && (name.ends_with(']') || !name.contains(':')) => name,
        _ => host,
    }
}

fn after_scheme(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, host)| host)
}

/// An address is not looked up, so nobody can make it lead elsewhere.
fn is_address(name: &str) -> bool {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    bare.parse::<IpAddr>().is_ok()
}

/// RFC 6761, section 6.3.
fn is_local(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Any of what browsers send of themselves and pages cannot take away. On plain HTTP they send no `Sec-Fetch-Site`, and
/// some let a page choose the `User-Agent`; `Accept-Language` may be chosen, but not left out. Node.js sends it too, but
/// beside a `Sec-Fetch-Mode` that stands alone.
pub(super) fn is_of_browser(headers: &HeaderMap) -> bool {
    let has = |name: &str| headers.contains_key(name);
    let agent = headers.get(header::USER_AGENT).map_or(&b""[..], |agent| agent.as_bytes());
    has("origin")
        || has("sec-fetch-site")
        || agent.starts_with(b"Mozilla/")
        || has("accept-language") && !has("sec-fetch-mode")
}

/// The host's name, as it is, in the local network (mDNS), and in the domains in which names are looked up; and what
/// `/etc/hosts` calls this machine.
fn of_this_machine() -> Vec<String> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let name = read("/proc/sys/kernel/hostname");
    names(name.trim(), &read("/etc/resolv.conf"), &read("/etc/hosts"))
}

fn names(host: &str, resolv_conf: &str, hosts: &str) -> Vec<String> {
    if host.is_empty() {
        return Vec::new();
    }
    let short = host.split('.').next().unwrap_or(host);
    let domains = resolv_conf.lines().flat_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let is_list = matches!(words.next(), Some("search" | "domain"));
        words.filter(move |_| is_list)
    });
    let in_domains = domains.map(|domain| format!("{short}.{}", domain.trim_matches('.')));
    let entries = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    let own_entries = entries.filter(|entry| {
        let mut words = entry.split_ascii_whitespace();
        let is_loopback =
            words.next().and_then(|text| text.parse::<IpAddr>().ok()).is_some_and(|ip| ip.is_loopback());
        is_loopback || words.any(|name| name == host)
    });
    let aliases = own_entries.flat_map(|entry| entry.split_ascii_whitespace().skip(1)).map(str::to_owned);
    let own = [host.to_owned(), short.to_owned(), format!("{short}.local")];
    own.into_iter().chain(in_domains).chain(aliases).map(|name| name.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests;
