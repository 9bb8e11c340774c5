//! Which sidecar is put to the test.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use bench::contender::Kind;
use chaos::Cast;
use testbed::{Cluster, Image};
use tokio::sync::OnceCell;

use crate::clients::Clients;
use crate::image::shipped;
use crate::install;
use crate::screen::Screen;

/// A sidecar to elect with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Elector {
    /// The one that ships.
    #[default]
    Shipped,
    /// Ours with a rule that is broken, or clocks that run wrong.
    Altered(Alterations),
    /// client-go's, in pods that the operator knows nothing of.
    ClientGo,
    /// Another one, in this archive of an image.
    Image {
        /// Full name of the image, with its tag.
        name: String,
        /// What `ctr images import` reads.
        archive: PathBuf,
    },
}

/// What is wrong with a sidecar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alterations {
    /// Name of a mutation of the election crate.
    pub mutation: Option<String>,
    /// `slewed` or `stepped`.
    pub clocks: Option<String>,
}

impl Elector {
    /// Whose election it is.
    pub fn cast(&self) -> Cast {
        match self {
            Self::ClientGo => Cast::ClientGo,
            Self::Shipped | Self::Altered(_) | Self::Image { .. } => Cast::Ours,
        }
    }

    /// Sees to it that clusters made from now on have this sidecar.
    ///
    /// # Errors
    /// Where it does not build, or the chart refuses it.
    pub async fn install(
        &self,
        cluster: &Cluster,
        clients: &Clients,
        screen: &Screen,
    ) -> Result<()> {
        let settings = match self {
            Self::Shipped => vec![install::FAULTS_ARE_LET_PASS.to_owned()],
            Self::Altered(alterations) => {
                let program = PROGRAM.get_or_try_init(build_program).await?;
                cluster.load_image(&alterations.image(program)?).await?;
                image_settings(&format!("{ALTERED}:{}", alterations.tag()))
            }
            Self::ClientGo => {
                cluster.load_image(&client_go_image().await?).await?;
                return Ok(());
            }
            Self::Image { name, archive } => {
                cluster.load_image(archive).await?;
                image_settings(name)
            }
        };
        install::chart(clients, &settings, screen).await
    }
}

/// Without the admission policies: these would stop some of what is wrong before it shows.
fn image_settings(name: &str) -> Vec<String> {
    let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    vec![
        format!("sidecar.image.repository={repository}"),
        format!("sidecar.image.tag={tag}"),
        "admission.enabled=false".to_owned(),
    ]
}

impl Alterations {
    /// An image that says which of them it is. Returns its archive.
    fn image(&self, program: &Path) -> Result<PathBuf> {
        let tag = self.tag();
        let mut image = Image::new(format!("docker.io/{ALTERED}:{tag}"))
            .program("/duckgoose", program)
            .entrypoint(["/duckgoose"]);
        let variables =
            [("DUCKGOOSE_MUTATION", &self.mutation), ("DUCKGOOSE_CLOCKS", &self.clocks)];
        for (name, value) in variables {
            image = image.environment(name, value.as_deref().unwrap_or_default());
        }
        let archive = Path::new(FOLDER).join(format!("{tag}.tar"));
        image.write(&archive)?;
        Ok(archive)
    }

    fn tag(&self) -> String {
        let words = [&self.mutation, &self.clocks].into_iter().flatten();
        words.map(String::as_str).collect::<Vec<_>>().join("-").to_lowercase()
    }
}

impl fmt::Display for Elector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.write_str("shipped"),
            Self::ClientGo => f.write_str(CLIENT_GO),
            Self::Altered(Alterations { mutation, clocks }) => {
                let named = [("mutation", mutation), ("clocks", clocks)];
                let words = named.into_iter().filter_map(|(key, value)| {
                    value.as_ref().map(|value| format!("{key}={value}"))
                });
                f.write_str(&words.collect::<Vec<_>>().join(","))
            }
            Self::Image { name, archive } => write!(f, "image={name}@{}", archive.display()),
        }
    }
}

impl FromStr for Elector {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let wanted = || {
            format!(
                "wanted shipped, mutation=NAME, clocks=slewed, clocks=stepped, two of these with a \
                 comma, {CLIENT_GO}, or image=NAME:TAG@ARCHIVE, found `{text}`"
            )
        };
        match text {
            "shipped" => return Ok(Self::Shipped),
            CLIENT_GO => return Ok(Self::ClientGo),
            _ => {}
        }
        if let Some(image) = text.strip_prefix("image=") {
            let (name, archive) = image.split_once('@').with_context(wanted)?;
            return Ok(Self::Image { name: name.to_owned(), archive: archive.into() });
        }
        let mut alterations = Alterations::default();
        for word in text.split(',') {
            let (key, value) = word.split_once('=').with_context(wanted)?;
            let value = Some(value.to_owned());
            match key {
                "mutation" => alterations.mutation = value,
                "clocks" => alterations.clocks = value,
                _ => ensure!(false, wanted()),
            }
        }
        Ok(Self::Altered(alterations))
    }
}

/// One program for all of them. It is copied: a build of the one that ships goes to the same place.
async fn build_program() -> Result<PathBuf> {
    let build = || {
        let built =
            testbed::static_binary_with("duckduckgoose-sidecar", "duckgoose", &["mutations"])?;
        let program = Path::new(FOLDER).join("duckgoose");
        fs::create_dir_all(FOLDER)?;
        fs::copy(&built, &program).with_context(|| format!("wanted {}", program.display()))?;
        ensure!(shipped::has_switches(&program)?, "wanted a sidecar with rules to break");
        Ok(program)
    };
    tokio::task::spawn_blocking(build).await?
}

/// Writes the benchmark's image of client-go's sidecar, and returns where it is.
async fn client_go_image() -> Result<PathBuf> {
    let write = || {
        let folder = std::path::absolute(FOLDER)?;
        let program = bench::programs::client_go(&folder)?;
        bench::full::image(&program, Kind::ClientGo, &folder)
    };
    tokio::task::spawn_blocking(write).await?
}

/// Built once.
static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();

/// As it is told on the command line.
const CLIENT_GO: &str = "client-go";

/// Below the checkout.
const FOLDER: &str = "target/chaos/images";

/// Never pushed anywhere.
const ALTERED: &str = "duckduckgoose/sidecar-altered";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_elector_is_read_back_from_its_name() {
        for text in [
            "shipped",
            "mutation=RoleByFlag",
            "clocks=slewed",
            "mutation=GooseTrustsBoottime,clocks=slewed",
            "client-go",
            "image=example/elector:1@target/elector.tar",
        ] {
            assert_eq!(text.parse::<Elector>().unwrap().to_string(), text);
        }
        for text in ["", "better", "image=example", "colour=red"] {
            assert!(text.parse::<Elector>().is_err(), "{text}");
        }
    }
}
