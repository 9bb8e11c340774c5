//! The API server's store: etcd, of one member or of several.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::control_plane;
use crate::error::Error;
use crate::netns;
use crate::plan::{Plan, Tier};
use crate::programs::Programs;

/// Starts all members. They need not be ready before the API server is started, which tries again.
pub(crate) fn start(plan: &Plan, programs: &Programs) -> Result<(), Error> {
    members(plan).iter().try_for_each(|member| {
        control_plane::start(plan, programs, PROGRAM, &member.name, flags(plan, member))
    })
}

/// Where the API server finds them.
pub(crate) fn urls(plan: &Plan) -> String {
    joined(plan, Member::url)
}

/// Names of their processes.
pub(crate) fn names(plan: &Plan) -> Vec<String> {
    members(plan).into_iter().map(|member| member.name).collect()
}

/// Name of the process of the member that leads now, if any does.
pub(crate) fn leader(plan: &Plan) -> Option<String> {
    let leads = |member: &Member| says_that_it_leads(plan, member).unwrap_or(false);
    members(plan).into_iter().find(leads).map(|member| member.name)
}

struct Member {
    name: String,
    /// For its clients.
    port: u16,
    peer_port: u16,
}

impl Member {
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn peer_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.peer_port)
    }
}

/// The first has the usual ports, the others those after them.
fn members(plan: &Plan) -> Vec<Member> {
    let ports = plan.ports();
    let member = |number: u8| Member {
        name: if number == 0 { PROGRAM.to_owned() } else { format!("{PROGRAM}-{}", number + 1) },
        port: ports.etcd + PORTS_OF_A_MEMBER * u16::from(number),
        peer_port: ports.etcd_peer + PORTS_OF_A_MEMBER * u16::from(number),
    };
    (0..plan.etcd_members).map(member).collect()
}

fn joined(plan: &Plan, word: impl Fn(&Member) -> String) -> String {
    members(plan).iter().map(word).collect::<Vec<_>>().join(",")
}

fn flags(plan: &Plan, member: &Member) -> Vec<String> {
    let Member { name, .. } = member;
    let (client, peer) = (member.url(), member.peer_url());
    let all = joined(plan, |member| format!("{}={}", member.name, member.peer_url()));
    vec![
        format!("--name={name}"),
        format!("--data-dir={}", plan.folder.join(name).display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster={all}"),
        // The full tier's figures are to be like a real cluster's; the light tier is to be quick.
        format!("--unsafe-no-fsync={}", plan.tier == Tier::Light),
        "--log-level=warn".to_owned(),
    ]
}

/// By its metrics: the least that tells, without a client of etcd.
fn says_that_it_leads(plan: &Plan, member: &Member) -> io::Result<bool> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, member.port));
    let connect = || TcpStream::connect_timeout(&address, PATIENCE);
    let mut connection = match plan.tier {
        Tier::Full => netns::inside(&plan.control_plane().namespace, connect)??,
        Tier::Light => connect()?,
    };
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
    let mut metrics = String::new();
    connection.read_to_string(&mut metrics)?;
    Ok(metrics.lines().any(|line| line == "etcd_server_is_leader 1"))
}

/// Of the program, and of the only member or the first one.
pub(crate) const PROGRAM: &str = "etcd";

/// 2379 and 2380 of the first, 2389 and 2390 of the second.
const PORTS_OF_A_MEMBER: u16 = 10;

/// It answers in milliseconds, unless it is frozen or dead.
const PATIENCE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::Release;

    fn plan(etcd_members: u8) -> Plan {
        Plan {
            name: "pond".to_owned(),
            tier: Tier::Full,
            kubernetes: Release::Current,
            nodes: 3,
            etcd_members,
            index: 0,
            folder: "/state/pond".into(),
            apiserver_flags: Vec::new(),
        }
    }

    #[test]
    fn every_member_knows_all_members() {
        let plan = plan(3);
        assert_eq!(names(&plan), ["etcd", "etcd-2", "etcd-3"]);
        let all = "--initial-cluster=etcd=http://127.0.0.1:2380,etcd-2=http://127.0.0.1:2390,\
                   etcd-3=http://127.0.0.1:2400";
        for member in members(&plan) {
            let flags = flags(&plan, &member);
            assert!(flags.iter().any(|flag| flag == all), "{flags:?}");
            assert!(flags.contains(&format!("--listen-peer-urls={}", member.peer_url())));
        }
    }

    #[test]
    fn the_api_server_is_told_of_all_members() {
        assert_eq!(urls(&plan(1)), "http://127.0.0.1:2379");
        assert_eq!(urls(&plan(3)).split(',').count(), 3);
    }
}
