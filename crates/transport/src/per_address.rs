//! How many connections each address has open, where that is bounded. A trusted proxy stands for many clients, and is
//! not counted.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use access::{Cidr, counted_as};
use net::Lock;

#[derive(Debug)]
pub struct PerAddress {
    max: Option<usize>,
    proxies: Vec<Cidr>,
    /// Only addresses with an open connection; nothing awaits under the lock.
    open: Lock<HashMap<IpAddr, usize>>,
}

/// A counted connection. Dropping it uncounts it.
#[derive(Debug)]
pub struct Counted(Option<(Arc<PerAddress>, IpAddr)>);

impl PerAddress {
    pub fn new(max: Option<usize>, proxies: Vec<Cidr>) -> Arc<Self> {
        Arc::new(Self { max, proxies, open: Lock::default() })
    }

    /// Counts one more from this address; `None`: the limit is reached.
    pub fn count(self: &Arc<Self>, address: IpAddr) -> Option<Counted> {
        let Some(max) = self.max else { return Some(Counted(None)) };
        if self.proxies.iter().any(|block| block.contains(address)) {
            return Some(Counted(None));
        }
        let address = counted_as(address);
        let mut open = self.open.lock();
        let count = open.entry(address).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Counted(Some((Arc::clone(self), address))))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((all, address)) = self.0.take() else { return };
        let mut open = all.open.lock();
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_has_so_many_and_a_proxy_any_number() {
        let all = PerAddress::new(Some(2), vec!["10.0.0.0/8".parse().unwrap()]);
        let from = |text: &str| all.count(text.parse().unwrap());
        let first = from("192.0.2.1").unwrap();
        let second = from("192.0.2.1").unwrap();
        assert!(from("192.0.2.1").is_none() && from("::ffff:192.0.2.1").is_none());
        let _other = from("192.0.2.2").unwrap();
        let proxied: Vec<_> = (0..10).map(|_| from("10.0.0.1").unwrap()).collect();
        drop((first, proxied));
        let third = from("192.0.2.1").unwrap();
        drop((second, third));
        assert_eq!(all.open.lock().len(), 1, "who has none open is forgotten");
    }
}
