//! The programs of a cluster, built once from Go modules and kept in the cache.
//!
//! No registry serves them ready-made. Each gets a folder in [`crate::places::cache`] that is named by
//! its version and a hash of its module files, so that a changed module is built anew and an old
//! one is never mistaken for it.

mod recipes;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use sha2::{Digest, Sha256};

pub use self::recipes::{Program, Release};
use self::recipes::{Recipe, Target};
use crate::places;
use crate::progress::Progress;

/// Builds those of `wanted` that the cache lacks, which takes minutes, and says where they are.
///
/// Tells what it builds and how long that usually takes; nothing when all are there. Blocks. Two
/// processes that want the same program do not build it twice: the second waits for the first.
///
/// # Errors
/// Where `go` is missing or a build fails, with the end of its output.
pub fn ensure(wanted: &[Program], progress: &Progress) -> Result<Programs, Error> {
    let cache = places::cache().join("programs");
    for &program in wanted {
        let recipe = program.recipe();
        if !folder(&cache, &recipe).exists() {
            build_alone(&cache, &recipe, progress)?;
        }
    }
    Ok(cached(wanted))
}

/// Where these programs are, taking for granted that they have been built.
pub(crate) fn cached(wanted: &[Program]) -> Programs {
    let cache = places::cache().join("programs");
    let mut binaries = BTreeMap::new();
    for &program in wanted {
        let recipe = program.recipe();
        let folder = folder(&cache, &recipe);
        for name in recipe.binaries() {
            binaries.insert(name, folder.join(name));
        }
    }
    Programs { binaries }
}

/// Paths of built programs.
#[derive(Clone, Debug)]
pub struct Programs {
    binaries: BTreeMap<&'static str, PathBuf>,
}

impl Programs {
    /// Path of the program of this name, such as `kubectl` or `containerd-shim-runc-v2`.
    ///
    /// # Panics
    /// Where no such program was asked for.
    pub fn path(&self, name: &str) -> PathBuf {
        let path = self.binaries.get(name);
        path.unwrap_or_else(|| {
            panic!("wanted the program {name}, found only {:?}", self.binaries.keys())
        })
        .clone()
    }

    /// Every folder with programs in it, for a `PATH`.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<_> =
            self.binaries.values().filter_map(|path| path.parent().map(Path::to_owned)).collect();
        folders.dedup();
        folders
    }
}

/// Why a program could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The `go` command did not start.
    #[error("wanted to run `go`, found {0}; install Go {wanted} or later and put it into PATH", wanted = recipes::GO_VERSION)]
    NoGo(#[source] io::Error),
    /// `go build` failed.
    #[error("building {package} failed:\n{output}")]
    Build {
        /// The Go package.
        package: String,
        /// The last lines that the compiler wrote.
        output: String,
    },
    /// The cache could not be written.
    #[error("wanted to write {path}, found {source}")]
    Cache {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// `kubernetes-v1.37.2-1a2b3c4d`
fn folder(cache: &Path, recipe: &Recipe) -> PathBuf {
    let mut hash = Sha256::new();
    for (name, text) in recipe.files {
        hash.update(name);
        hash.update(text);
    }
    // The flags too, since they are stamped into the result.
    hash.update(format!("{:?}", recipe.arguments()));
    let hash: String = hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    cache.join(format!("{}-{}-{hash}", recipe.name, recipe.version()))
}

fn build_alone(cache: &Path, recipe: &Recipe, progress: &Progress) -> Result<(), Error> {
    let write = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Cache { path, source }
    };
    fs::create_dir_all(cache).map_err(write(cache))?;
    let lock_path = cache.join(format!(".{}.lock", recipe.name));
    let lock = File::create(&lock_path).map_err(write(&lock_path))?;
    lock.lock().map_err(write(&lock_path))?;

    let finished = folder(cache, recipe);
    if finished.exists() {
        return Ok(()); // by the process that had the lock
    }
    // Renamed only when complete, so that an interrupted build is never taken for a finished one.
    let unfinished = cache.join(format!(".{}.unfinished", recipe.name));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(write(&unfinished))?;
    }
    progress.line(format!(
        "building {} {} (usually {} on 2 cores)",
        recipe.name,
        recipe.version(),
        recipe.usually
    ));
    let started = Instant::now();
    build(&unfinished, recipe)?;
    fs::rename(&unfinished, &finished).map_err(write(&finished))?;
    progress.line(format!("built {} in {} s", recipe.name, started.elapsed().as_secs()));
    Ok(())
}

fn build(folder: &Path, recipe: &Recipe) -> Result<(), Error> {
    let write = |source| Error::Cache { path: folder.to_owned(), source };
    let module = folder.join("module");
    fs::create_dir_all(&module).map_err(write)?;
    for (name, text) in recipe.files {
        fs::write(module.join(name), text).map_err(write)?;
    }
    for target in recipe.targets {
        go_build(&module, recipe, target, &folder.join(target.binary))?;
    }
    for (link, binary) in recipe.links {
        std::os::unix::fs::symlink(binary, folder.join(link)).map_err(write)?;
    }
    Ok(())
}

fn go_build(module: &Path, recipe: &Recipe, target: &Target, binary: &Path) -> Result<(), Error> {
    let output = Command::new("go")
        .current_dir(module)
        .env("CGO_ENABLED", if recipe.cgo { "1" } else { "0" })
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-buildvcs=false -trimpath -mod=readonly")
        .args(["build", "-o"])
        .arg(binary)
        .args(recipe.arguments())
        .arg(target.package)
        .stdin(Stdio::null())
        .output()
        .map_err(Error::NoGo)?;
    if output.status.success() {
        return Ok(());
    }
    let output = crate::tail::last_lines(&String::from_utf8_lossy(&output.stderr), 15);
    Err(Error::Build { package: target.package.to_owned(), output })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Tier;

    #[test]
    fn versions_come_from_the_modules() {
        assert!(Release::Current.version().starts_with("v1."));
        assert!(Program::Etcd.recipe().version().starts_with("v3."));
        assert!(Program::Runc.recipe().version().starts_with("v1."));
    }

    #[test]
    fn the_oldest_kubernetes_is_the_first_that_the_chart_accepts() {
        let chart = include_str!("../../../charts/duckduckgoose/Chart.yaml");
        let wanted = chart.lines().find_map(|line| line.strip_prefix("kubeVersion: \">=")).unwrap();
        let minor = |version: &str| version.split('.').take(2).collect::<Vec<_>>().join(".");
        assert_eq!(minor(Release::Oldest.version()), format!("v{}", minor(wanted)));
    }

    #[test]
    fn two_releases_have_two_folders() {
        let of = |release| folder(Path::new("/cache"), &Program::Kubernetes(release).recipe());
        assert_ne!(of(Release::Current), of(Release::Oldest));
    }

    #[test]
    fn a_release_is_read_as_it_is_written() {
        for release in [Release::Current, Release::Oldest] {
            assert_eq!(release.to_string().parse(), Ok(release));
        }
        let refusal = "newest".parse::<Release>().unwrap_err();
        assert_eq!(refusal, "wanted `current` or `oldest`, found `newest`");
    }

    #[test]
    fn a_changed_module_gets_another_folder() {
        let recipe = Program::Etcd.recipe();
        let changed = Recipe {
            files: &[("go.mod", "module changed\n\nrequire go.etcd.io/etcd/server/v3 v3.6.16\n")],
            ..recipe
        };
        let cache = Path::new("/cache");
        assert_ne!(folder(cache, &Program::Etcd.recipe()), folder(cache, &changed));
    }

    #[test]
    fn every_link_points_at_something_built() {
        for program in Tier::Full.programs(Release::Oldest) {
            let recipe = program.recipe();
            for (_, binary) in recipe.links {
                assert!(recipe.targets.iter().any(|target| target.binary == *binary));
            }
        }
    }
}
