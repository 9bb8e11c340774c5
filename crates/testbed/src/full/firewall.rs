//! Packets that a node drops, without a word to whoever sent them.

use std::net::IpAddr;

use crate::error::Error;
use crate::plan::Site;
use crate::tool::run_line;

/// Some of the packets that cross a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packets {
    /// All that come in from outside the node: it goes on speaking, and hears nothing.
    Incoming,
    /// All that leave the node: it goes on hearing, and says nothing.
    Outgoing,
    /// To and from the pod of this address, but for those of the node itself.
    OfPod(IpAddr),
}

pub(crate) fn drop_packets(site: &Site, packets: Packets) -> Result<(), Error> {
    rules(packets).iter().try_for_each(|rule| change(site, "-I", rule))
}

pub(crate) fn pass_packets(site: &Site, packets: Packets) -> Result<(), Error> {
    rules(packets).iter().try_for_each(|rule| change(site, "-D", rule))
}

fn change(site: &Site, how: &str, (table, rule): &(&str, String)) -> Result<(), Error> {
    let namespace = &site.namespace;
    let line = format!("ip netns exec {namespace} iptables -w -t {table} {how} {rule} -j DROP");
    run_line(&line).map(drop)
}

/// The tables are ones in which kube-proxy drops and accepts nothing.
fn rules(packets: Packets) -> Vec<(&'static str, String)> {
    match packets {
        Packets::Incoming => vec![("raw", "PREROUTING -i eth0".to_owned())],
        Packets::Outgoing => vec![("mangle", "POSTROUTING -o eth0".to_owned())],
        Packets::OfPod(address) => {
            let way = |flag: &str| ("mangle", format!("FORWARD {flag} {address}"));
            vec![way("-s"), way("-d")]
        }
    }
}
