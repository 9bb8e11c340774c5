//! `cargo xtask image`: the product's container images, built without a container engine.

pub mod bill;
pub mod shipped;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use testbed::Image;

use crate::checkout;
use crate::screen::Screen;

/// An image that was built.
pub struct Built {
    /// What it is of.
    pub part: Part,
    /// The static program in it.
    pub program: PathBuf,
    /// The archive that containerd, docker, podman and kind load.
    pub archive: PathBuf,
    /// `sha256:…` of its manifest.
    pub digest: String,
    /// Of the archive, in bytes.
    pub size: u64,
}

/// A part of the product that has an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The process in each pod.
    Sidecar,
    /// The controller.
    Operator,
}

impl Part {
    /// `duckduckgoose/sidecar`, as the chart has it.
    pub fn repository(self) -> String {
        format!("duckduckgoose/{}", self.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar",
            Self::Operator => "operator",
        }
    }

    fn package(self) -> String {
        format!("duckduckgoose-{}", self.name())
    }

    fn binary(self) -> &'static str {
        match self {
            Self::Sidecar => "duckgoose",
            Self::Operator => "duckgoose-operator",
        }
    }
}

/// Builds both images, and prints where they are, what is in them and how to load them.
///
/// # Errors
/// Where a program does not build or the archive cannot be written.
pub async fn run(screen: &Screen) -> Result<()> {
    let images = build(screen).await?;
    for image in &images {
        println!("{}", describe(image));
    }
    if bill::is_possible().await {
        for bill in bill::write(&images).await? {
            println!("bill of materials {}", bill.display());
        }
    } else {
        screen.line(format!("no bill of materials was written: {}", bill::HOW_TO));
    }
    println!("\n{}", how_to_load(&images));
    Ok(())
}

/// Builds both images. The same sources give the same digests.
///
/// # Errors
/// As [`run`].
pub async fn build(screen: &Screen) -> Result<Vec<Built>> {
    screen
        .line("building the images of sidecar and operator (first time usually 4 min on 2 cores)");
    let built = tokio::task::spawn_blocking(|| [Part::Sidecar, Part::Operator].map(build_one));
    built.await?.into_iter().collect()
}

fn build_one(part: Part) -> Result<Built> {
    let program = testbed::static_binary(&part.package(), part.binary())?;
    shipped::require_none(&program)?;
    let inside = format!("/{}", part.binary());
    // The full name: Kubernetes reads `duckduckgoose/sidecar` as one of Docker Hub.
    let name = format!("docker.io/{}:{}", part.repository(), checkout::VERSION);
    let image = Image::new(name).program(&inside, &program).entrypoint([&inside]);
    let archive = archive(part);
    let digest = image.write(&archive)?;
    let size =
        fs::metadata(&archive).with_context(|| format!("wanted {}", archive.display()))?.len();
    Ok(Built { part, program, archive, digest, size })
}

/// Where the archive goes, from the root of the checkout.
fn archive(part: Part) -> PathBuf {
    Path::new("target/images").join(format!("{}-{}.tar", part.name(), checkout::VERSION))
}

/// One line about an image.
pub fn describe(image: &Built) -> String {
    let Built { part, archive, digest, size, .. } = image;
    let megabytes = megabytes(*size);
    format!(
        "{}:{} {megabytes:.1} MB {} {digest}",
        part.repository(),
        checkout::VERSION,
        archive.display()
    )
}

/// Millions of bytes, as registries count.
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// How to get the images into a cluster that was made by something else.
pub fn how_to_load(images: &[Built]) -> String {
    let archives: Vec<_> = images.iter().map(|image| image.archive.display().to_string()).collect();
    let one_by_one =
        |command: &str| archives.iter().map(|path| format!("{command} {path}")).collect::<Vec<_>>();
    let ways = [
        ("kind", one_by_one("kind load image-archive")),
        ("k3d", vec![format!("k3d image import {}", archives.join(" "))]),
        ("minikube", one_by_one("minikube image load")),
    ];
    let lines = ways.map(|(tool, commands)| format!("  {tool:9} {}", commands.join(" && ")));
    format!("to load them into a cluster of\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_to_load_for_each_kind_of_cluster() {
        let part = Part::Sidecar;
        let image = Built {
            part,
            program: part.binary().into(),
            archive: archive(part),
            digest: "sha256:0".into(),
            size: 1,
        };
        let text = how_to_load(&[image]);
        let archive = archive(part).display().to_string();
        for command in ["kind load image-archive", "k3d image import", "minikube image load"] {
            assert!(text.contains(&format!("{command} {archive}")), "{text}");
        }
    }

    #[test]
    fn a_container_engine_builds_with_the_oldest_compiler_that_will_do() {
        let base = format!("FROM rust:{}-slim AS build\n", env!("CARGO_PKG_RUST_VERSION"));
        let files =
            [include_str!("../../operator/Dockerfile"), include_str!("../../sidecar/Dockerfile")];
        assert!(files.iter().all(|file| file.contains(&base)), "wanted {base}");
    }
}
