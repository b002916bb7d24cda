//! Where a hub with this configuration is reached: from this machine, and from others.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use server::config::Config;

/// Its address for programs on this machine, such as `http://127.0.0.1:5000`; without a slash at the end.
pub(crate) fn of_hub(config: &Config) -> String {
    let mut address = config.server.address();
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    url(config, address)
}

/// Its address for other machines, if it listens for any. `port`: the one in use.
pub(crate) fn for_others(config: &Config, port: u16) -> Option<String> {
    let host = config.server.host;
    let host = if host.is_unspecified() { of_this_machine()? } else { host };
    (!host.is_loopback()).then(|| url(config, SocketAddr::new(host, port)))
}

fn url(config: &Config, address: SocketAddr) -> String {
    let scheme = if config.server.tls_cert.is_some() { "https" } else { "http" };
    format!("{scheme}://{address}{}", config.server.base_path)
}

/// The address that this machine has towards its router. Nothing is sent: the kernel only looks up the route.
fn of_this_machine() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Of the block for documentation (RFC 5737), which nobody has.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_get_an_address_that_is_not_loopback() {
        let mut config = Config::default();
        assert_eq!(of_hub(&config), "http://127.0.0.1:5000");
        assert_eq!(for_others(&config, 5000), None);
        config.server.host = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        assert_eq!(of_hub(&config), "http://127.0.0.1:5000");
        assert!(for_others(&config, 81).is_none_or(|url| url.ends_with(":81") && !url.contains("0.0.0.0")));
        config.server.host = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        assert_eq!(for_others(&config, 81).as_deref(), Some("http://192.0.2.7:81"));
    }
}
