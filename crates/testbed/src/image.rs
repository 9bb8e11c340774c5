//! Container images without a container engine: files, put into an archive that containerd,
//! docker, podman and kind load.
//!
//! The archive is an OCI image layout with docker's `manifest.json` beside it. Two builds from the
//! same files give the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use oci_spec::OciSpecError;
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, HistoryBuilder, ImageConfigurationBuilder, ImageIndexBuilder,
    ImageManifestBuilder, MediaType, Os, RootFsBuilder, Sha256Digest,
};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

/// An image that is built from nothing.
#[derive(Clone, Debug)]
pub struct Image {
    name: String,
    /// By path inside the image, without the leading slash: sorted, and each once.
    entries: BTreeMap<String, Entry>,
    entrypoint: Vec<String>,
    command: Vec<String>,
    environment: Vec<String>,
    user: String,
}

#[derive(Clone, Debug)]
enum Entry {
    Folder { mode: u32 },
    Program { source: PathBuf },
    Link { target: String },
}

impl Image {
    /// An empty image of this full name, such as `docker.io/library/busybox:stable`. Its user is
    /// 65532, which is nobody.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            entries: BTreeMap::new(),
            entrypoint: Vec::new(),
            command: Vec::new(),
            environment: Vec::new(),
            user: "65532:65532".to_owned(),
        }
    }

    /// Adds a file of the host as an executable, and the folders above it.
    pub fn program(self, path: &str, source: impl Into<PathBuf>) -> Self {
        self.entry(path, Entry::Program { source: source.into() })
    }

    /// Adds a symbolic link.
    pub fn link(self, path: &str, target: &str) -> Self {
        self.entry(path, Entry::Link { target: target.to_owned() })
    }

    /// Adds an empty folder.
    pub fn folder(self, path: &str, mode: u32) -> Self {
        self.entry(path, Entry::Folder { mode })
    }

    /// What is started.
    pub fn entrypoint<const N: usize>(mut self, words: [&str; N]) -> Self {
        self.entrypoint = words.map(str::to_owned).to_vec();
        self
    }

    /// What is started where there is no entrypoint, or its arguments where there is.
    pub fn command<const N: usize>(mut self, words: [&str; N]) -> Self {
        self.command = words.map(str::to_owned).to_vec();
        self
    }

    /// Adds a variable to the environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push(format!("{name}={value}"));
        self
    }

    /// Who it runs as: `uid:gid`.
    pub fn user(mut self, user: &str) -> Self {
        self.user = user.to_owned();
        self
    }

    /// Writes the archive, and returns the digest of the image's manifest (`sha256:…`).
    ///
    /// # Errors
    /// Where a source cannot be read or the archive cannot be written.
    pub fn write(&self, archive: &Path) -> Result<String, Error> {
        let blobs = self.blobs()?;
        let unfinished = archive.with_extension("unfinished");
        let write = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { path, source }
        };
        if let Some(folder) = archive.parent() {
            fs::create_dir_all(folder).map_err(write(folder))?;
        }
        let file = fs::File::create(&unfinished).map_err(write(&unfinished))?;
        blobs.write_archive(&self.name, file).map_err(write(&unfinished))?;
        fs::rename(&unfinished, archive).map_err(write(archive))?;
        Ok(format!("sha256:{}", blobs.manifest.digest))
    }

    fn entry(mut self, path: &str, entry: Entry) -> Self {
        let path = path.trim_matches('/');
        for (end, _) in path.match_indices('/') {
            self.entries.entry(path[..end].to_owned()).or_insert(Entry::Folder { mode: 0o755 });
        }
        self.entries.insert(path.to_owned(), entry);
        self
    }

    fn blobs(&self) -> Result<Blobs, Error> {
        let layer = Blob::new(self.layer()?);
        let configuration = Blob::json(&self.configuration(&layer)?)?;
        let manifest = ImageManifestBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageManifest)
            .config(configuration.descriptor(MediaType::ImageConfig)?)
            .layers(vec![layer.descriptor(MediaType::ImageLayer)?])
            .build()?;
        Ok(Blobs { manifest: Blob::json(&manifest)?, configuration, layer })
    }

    fn configuration(&self, layer: &Blob) -> Result<impl Serialize, Error> {
        let config = ConfigBuilder::default()
            .user(self.user.clone())
            .env(self.environment.clone())
            .entrypoint(self.entrypoint.clone())
            .cmd(self.command.clone())
            .build()?;
        let files = RootFsBuilder::default()
            .typ("layers")
            .diff_ids(vec![format!("sha256:{}", layer.digest)])
            .build()?;
        let history = HistoryBuilder::default().created_by("duckduckgoose").build()?;
        Ok(ImageConfigurationBuilder::default()
            .architecture(architecture())
            .os(Os::Linux)
            .config(config)
            .rootfs(files)
            .history(vec![history])
            .build()?)
    }

    /// The files as a tar archive: no times, no owners, sorted.
    fn layer(&self) -> Result<Vec<u8>, Error> {
        let mut layer = tar::Builder::new(Vec::new());
        for (path, entry) in &self.entries {
            let source = match entry {
                Entry::Program { source } => source.clone(),
                _ => PathBuf::from(path),
            };
            append(&mut layer, path, entry)
                .map_err(|error| Error::File { path: source, source: error })?;
        }
        layer.into_inner().map_err(|source| Error::File { path: self.name.clone().into(), source })
    }
}

/// Why an image could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("wanted to put {path} into an image, found {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The description of the image is not valid.
    #[error("wanted a valid image description, found {0}")]
    Description(#[from] OciSpecError),
    /// The description of the image is not JSON.
    #[error("wanted an image description as JSON, found {0}")]
    Json(#[from] serde_json::Error),
}

struct Blobs {
    manifest: Blob,
    configuration: Blob,
    layer: Blob,
}

impl Blobs {
    fn write_archive(&self, name: &str, file: impl Write) -> io::Result<()> {
        let mut archive = tar::Builder::new(file);
        let mut blobs = [&self.manifest, &self.configuration, &self.layer];
        blobs.sort_by_key(|blob| &blob.digest);
        for blob in blobs {
            append_bytes(&mut archive, &blob.path(), &blob.bytes)?;
        }
        let index = self.index(name).map_err(io::Error::other)?;
        append_bytes(&mut archive, "index.json", &index.bytes)?;
        append_bytes(
            &mut archive,
            "manifest.json",
            self.docker_manifest(name).to_string().as_bytes(),
        )?;
        append_bytes(&mut archive, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        archive.into_inner()?.flush()
    }

    fn index(&self, name: &str) -> Result<Blob, Error> {
        let mut manifest = self.manifest.descriptor(MediaType::ImageManifest)?;
        let tag = name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        let annotations =
            [("io.containerd.image.name", name), ("org.opencontainers.image.ref.name", tag)];
        manifest.set_annotations(Some(
            annotations.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ));
        let index = ImageIndexBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageIndex)
            .manifests(vec![manifest])
            .build()?;
        Blob::json(&index)
    }

    fn docker_manifest(&self, name: &str) -> serde_json::Value {
        json!([{ "Config": self.configuration.path(), "RepoTags": [name], "Layers": [self.layer.path()] }])
    }
}

/// Content that is named by its digest.
struct Blob {
    digest: String,
    bytes: Vec<u8>,
}

impl Blob {
    fn new(bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { digest, bytes }
    }

    /// By way of a value, whose keys are sorted: annotations are in a hash map, in no order.
    fn json(value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::new(serde_json::to_vec(&serde_json::to_value(value)?)?))
    }

    fn path(&self) -> String {
        format!("blobs/sha256/{}", self.digest)
    }

    fn descriptor(&self, kind: MediaType) -> Result<Descriptor, Error> {
        let digest: Sha256Digest = self.digest.parse()?;
        Ok(Descriptor::new(kind, self.bytes.len() as u64, digest))
    }
}

fn append(layer: &mut tar::Builder<Vec<u8>>, path: &str, entry: &Entry) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mtime(0);
    match entry {
        Entry::Folder { mode } => {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(*mode);
            header.set_size(0);
            layer.append_data(&mut header, format!("{path}/"), io::empty())
        }
        Entry::Program { source } => {
            let bytes = fs::read(source)?;
            header.set_mode(0o755);
            header.set_size(bytes.len() as u64);
            layer.append_data(&mut header, path, &bytes[..])
        }
        Entry::Link { target } => {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_mode(0o777);
            header.set_size(0);
            layer.append_link(&mut header, path, target)
        }
    }
}

fn append_bytes(
    archive: &mut tar::Builder<impl Write>,
    path: &str,
    bytes: &[u8],
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mtime(0);
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, path, bytes)
}

/// This machine's, under the name that images have for it.
fn architecture() -> Arch {
    match std::env::consts::ARCH {
        "x86_64" => Arch::Amd64,
        "aarch64" => Arch::ARM64,
        other => Arch::Other(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(program: &Path) -> Image {
        Image::new("docker.io/duckduckgoose/sample:1")
            .program("/usr/bin/sample", program)
            .link("/bin/sample", "/usr/bin/sample")
            .entrypoint(["/usr/bin/sample"])
            .environment("PATH", "/bin")
    }

    #[test]
    fn two_builds_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "first").unwrap();
        let (one, two) = (folder.path().join("one.tar"), folder.path().join("two.tar"));
        let digest = image(&program).write(&one).unwrap();
        // Another time stamp of the source is no difference.
        fs::write(&program, "first").unwrap();
        assert_eq!(digest, image(&program).write(&two).unwrap());
        assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());

        fs::write(&program, "second").unwrap();
        assert_ne!(digest, image(&program).write(&two).unwrap());
    }

    #[test]
    fn the_layer_has_the_folders_above_each_file() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "#!").unwrap();
        let layer = image(&program).layer().unwrap();
        let mut archive = tar::Archive::new(&layer[..]);
        let paths = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string());
        assert_eq!(
            paths.collect::<Vec<_>>(),
            ["bin/", "bin/sample", "usr/", "usr/bin/", "usr/bin/sample"]
        );
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = image(Path::new("/nowhere/program")).layer().unwrap_err();
        assert!(error.to_string().contains("/nowhere/program"), "{error}");
    }
}
