//! Which clusters there are on this machine, and which index each of them has.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cluster::Options;
use crate::error::Error;
use crate::files;
use crate::identity::Identity;
use crate::places;
use crate::plan::{self, INDICES, Plan, Tier};
use crate::programs::Release;
use crate::teardown::{self, Logs};

/// What stands in a cluster's `state.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub plan: Plan,
    /// The process that started it, and takes it down when it ends.
    pub owner: Identity,
    /// It outlives its owner.
    pub kept: bool,
    /// The bring-up is complete.
    pub ready: bool,
}

impl Claim {
    /// Takes a name and a free index, and makes the cluster's folder.
    ///
    /// What a crashed process has left under that name is taken down first.
    pub fn new(options: &Options) -> Result<Self, Error> {
        let Options { name, tier, kubernetes, nodes, etcd_members, apiserver_flags, .. } = options;
        let state = places::state();
        plan::check_name(name, &state).map_err(Error::Unfit)?;
        let _lock = lock(&state)?;
        if let Some(found) = Self::find(name)? {
            if found.lives() {
                return Err(Error::Exists { name: name.to_owned() });
            }
            teardown::down(&found.plan, Logs::Delete)?;
        }
        let index = free_index(*tier)?;
        let folder = state.join(name);
        if folder.exists() {
            // Logs of a start that failed.
            fs::remove_dir_all(&folder).map_err(Error::file(&folder))?;
        }
        // There are private keys in it.
        fs::DirBuilder::new().mode(0o700).create(&folder).map_err(Error::file(&folder))?;
        let plan = Plan {
            name: name.to_owned(),
            tier: *tier,
            kubernetes: *kubernetes,
            nodes: *nodes,
            etcd_members: *etcd_members,
            index,
            folder,
            apiserver_flags: apiserver_flags.clone(),
        };
        let claim = Self { plan, owner: Identity::own(), kept: false, ready: false };
        claim.write()?;
        Ok(claim)
    }

    /// The cluster of this name.
    pub fn find(name: &str) -> Result<Option<Self>, Error> {
        let path = path(&places::state().join(name));
        match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&path)(error)),
            Ok(text) => {
                let claim = serde_json::from_slice(&text);
                claim.map(Some).map_err(|source| Error::File { path, source: source.into() })
            }
        }
    }

    /// All clusters, by name.
    pub fn all() -> Result<Vec<Self>, Error> {
        let mut names: Vec<_> = fs::read_dir(places::state())
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        let mut claims = Vec::new();
        for name in names {
            claims.extend(Self::find(&name)?);
        }
        Ok(claims)
    }

    /// Whether somebody still counts on it.
    pub fn lives(&self) -> bool {
        self.kept || self.owner.runs()
    }

    pub fn write(&self) -> Result<(), Error> {
        files::write(
            &path(&self.plan.folder),
            serde_json::to_vec_pretty(self).expect("a claim is JSON"),
        )
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("state.json")
}

/// Held while an index is chosen and written down.
fn lock(state: &Path) -> Result<File, Error> {
    fs::create_dir_all(state).map_err(Error::file(state))?;
    let path = state.join(".lock");
    let file = File::create(&path).map_err(Error::file(&path))?;
    file.lock().map_err(Error::file(&path))?;
    Ok(file)
}

fn free_index(tier: Tier) -> Result<u8, Error> {
    let taken: BTreeSet<u8> = Claim::all()?.iter().map(|claim| claim.plan.index).collect();
    let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let free = |index: &u8| {
        !taken.contains(index)
            && match tier {
                Tier::Light => ports_are_free(*index),
                Tier::Full => {
                    !has_route_into(&routes, [10, 200, *index])
                        && !has_route_into(&routes, [10, 100 + *index, 1])
                }
            }
    };
    INDICES.into_iter().find(free).ok_or_else(|| {
        Error::Unfit("wanted free addresses for a cluster, found none; `cargo xtask status` lists those that run".to_owned())
    })
}

fn ports_are_free(index: u8) -> bool {
    let light = Plan {
        name: String::new(),
        tier: Tier::Light,
        kubernetes: Release::default(),
        nodes: 0,
        etcd_members: 1,
        index,
        folder: PathBuf::new(),
        apiserver_flags: Vec::new(),
    };
    light.ports().all().iter().all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

/// Whether the host has a route, other than the default, that covers some of `a.b.c.0/24`: then
/// these addresses are somebody else's.
///
/// `/proc/net/route` has the destination and the mask as hexadecimal in the machine's byte order.
fn has_route_into(routes: &str, network: [u8; 3]) -> bool {
    let network = u32::from_be_bytes([network[0], network[1], network[2], 0]);
    let number = |field: Option<&&str>| Some(u32::from_str_radix(field?, 16).ok()?.swap_bytes());
    routes.lines().skip(1).any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (Some(destination), Some(mask)) = (number(fields.get(1)), number(fields.get(7))) else {
            return false;
        };
        let wider = mask & 0xffff_ff00;
        mask != 0 && destination & wider == network & wider
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_a_route_of_somebody_else() {
        let routes = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
             eth0 00000000 01020304 0003 0 0 0 00000000 0 0 0\n\
             ddg3 0003C80A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n\
             vpn0 00006A0A 00000000 0001 0 0 0 0000FFFF 0 0 0\n";
        assert!(has_route_into(routes, [10, 200, 3]));
        assert!(!has_route_into(routes, [10, 200, 4]));
        assert!(has_route_into(routes, [10, 106, 1]));
        assert!(!has_route_into(routes, [192, 0, 2]));
    }
}
