//! An address for each pod.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use api::names::SIDECAR_PORT;

/// Where a pod listens, and what its status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// On loopback: every address of 127.0.0.0/8 is the machine's own, without asking for it.
    pub listen: SocketAddr,
    /// Of the range for benchmarks (RFC 2544), which nobody has: EndpointSlices refuse loopback.
    pub pod_ip: Ipv4Addr,
}

impl Address {
    /// One that nobody listens on. Clusters differ in the second octet, pods in the last two.
    pub fn free(index: u8) -> Self {
        loop {
            // Test processes that share a cluster start their counts in different places.
            let number = NEXT
                .fetch_add(1, Ordering::Relaxed)
                .wrapping_add(std::process::id() as u16)
                .wrapping_mul(251);
            let address = Self::of(index, number);
            if !(number as u8 == 0 || number as u8 == 255)
                && TcpListener::bind(address.listen).is_ok()
            {
                return address;
            }
        }
    }

    fn of(index: u8, number: u16) -> Self {
        let [high, low] = number.to_be_bytes();
        let listen = Ipv4Addr::new(127, 100 + index, high, low);
        Self {
            listen: SocketAddr::new(listen.into(), SIDECAR_PORT),
            pod_ip: Ipv4Addr::new(198, 18, high, low),
        }
    }
}

static NEXT: AtomicU16 = AtomicU16::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same_and_all_can_be_listened_on() {
        let (one, two) = (Address::free(3), Address::free(3));
        assert_ne!(one, two);
        let _one = TcpListener::bind(one.listen).unwrap();
        let _two = TcpListener::bind(two.listen).unwrap();
        assert!(!one.pod_ip.is_loopback());
    }
}
