//! The cluster's own credentials, renewed as those do it who run one: all are told of the new ones
//! beside the old, then only the new ones count.
//!
//! Each call restarts what must read them. Pods are given theirs by the kubelets: within some
//! minutes, or when a kubelet is started.

use std::fs;
use std::path::Path;

use crate::cluster::Cluster;
use crate::component::Component;
use crate::error::Error;
use crate::files;
use crate::pki::{self, NEXT, PODS_AUTHORITIES, SERVING, SERVING_AUTHORITY, TOKENS};

impl Cluster {
    /// Pods are told to trust the authority of the API server's next certificate, too.
    ///
    /// # Errors
    /// Where a file cannot be written, or the controller manager does not start again.
    pub async fn announce_authority(&self) -> Result<(), Error> {
        let folder = self.plan().pki();
        let present = read(&folder.join(format!("{SERVING_AUTHORITY}.crt")))?;
        let next = read(&folder.join(format!("{NEXT}{SERVING_AUTHORITY}.crt")))?;
        files::write(&folder.join(PODS_AUTHORITIES), present + &next)?;
        restart(&self.controller_manager()).await
    }

    /// The API server shows its next certificate. Pods that are given their credentials from now on
    /// trust no other. There are two, which take turns.
    ///
    /// # Errors
    /// Where a file cannot be written, or a program does not start again.
    pub async fn change_authority(&self) -> Result<(), Error> {
        let folder = self.plan().pki();
        for file in
            [format!("{SERVING}.crt"), format!("{SERVING}.key"), format!("{SERVING_AUTHORITY}.crt")]
        {
            exchange(&folder.join(&file), &folder.join(format!("{NEXT}{file}")))?;
        }
        let authority = read(&folder.join(format!("{SERVING_AUTHORITY}.crt")))?;
        files::write(&folder.join(PODS_AUTHORITIES), authority)?;
        restart(&self.apiserver()).await?;
        restart(&self.controller_manager()).await
    }

    /// The API server signs tokens with a new key, and believes those of the one before, too.
    ///
    /// # Errors
    /// Where a file cannot be written, or the API server does not start again.
    pub async fn announce_token_key(&self) -> Result<(), Error> {
        let folder = self.plan().pki();
        let believed = folder.join(format!("{TOKENS}.pub"));
        let before = read(&believed)?;
        pki::make_token_key(&folder, &format!("{NEXT}{TOKENS}"))?;
        rename(&folder.join(format!("{NEXT}{TOKENS}.key")), &folder.join(format!("{TOKENS}.key")))?;
        files::write(&believed, before + &read(&folder.join(format!("{NEXT}{TOKENS}.pub")))?)?;
        restart(&self.apiserver()).await
    }

    /// The API server believes no token of the key before.
    ///
    /// # Errors
    /// Where none was announced, or a program does not start again.
    pub async fn change_token_key(&self) -> Result<(), Error> {
        let folder = self.plan().pki();
        rename(&folder.join(format!("{NEXT}{TOKENS}.pub")), &folder.join(format!("{TOKENS}.pub")))?;
        restart(&self.apiserver()).await?;
        // Its controllers have tokens, too, and do not ask for others before their time.
        restart(&self.controller_manager()).await
    }
}

async fn restart(program: &Component) -> Result<(), Error> {
    program.stop().await?;
    program.start().await
}

fn exchange(one: &Path, other: &Path) -> Result<(), Error> {
    let aside = one.with_extension("aside");
    rename(one, &aside)?;
    rename(other, one)?;
    rename(&aside, other)
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(Error::file(from))
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::file(path))
}
