//! The bill of materials of each image: what was linked into the one program that it holds.
//!
//! cargo-cyclonedx writes a file beside each package of the workspace. Those of the images are taken
//! from there, told which image they are of, and freed from this machine's paths; the others go.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Built;
use crate::checkout;
use crate::command::{cargo, command, output};

/// Whether the tool is here that writes them.
pub async fn is_possible() -> bool {
    output(cargo(&["cyclonedx", "--version"])).await.is_ok()
}

/// What to do where it is not.
pub const HOW_TO: &str =
    "cargo-cyclonedx is not installed: `cargo install --locked cargo-cyclonedx`";

/// Writes `target/images/<part>-<version>.cdx.json` (CycloneDX 1.5) for each image. The same commit
/// gives the same text.
///
/// # Errors
/// Where the tool fails, or what it wrote does not name what every such program is made from.
pub async fn write(images: &[Built]) -> Result<Vec<PathBuf>> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut tool = cargo(&["cyclonedx", "--format", "json", "--spec-version", "1.5", "-qq"]);
    tool.args(["--describe", "binaries", "--no-build-deps", "--target", &target]);
    if let Some(time) = time_of_commit().await {
        // It then leaves out the serial number, which is random.
        tool.env("SOURCE_DATE_EPOCH", time);
    }
    output(tool).await?;
    let mut rustc = command("rustc");
    rustc.arg("--version");
    let compiler = output(rustc).await?;
    let bills = images.iter().map(|image| write_one(image, compiler.trim())).collect();
    for beside in strewn() {
        fs::remove_file(&beside).with_context(|| format!("removing {}", beside.display()))?;
    }
    bills
}

fn write_one(image: &Built, compiler: &str) -> Result<PathBuf> {
    let strewn = checkout::root()
        .join(image.part.name())
        .join(format!("{}_bin.cdx.json", image.part.binary()));
    let text = fs::read_to_string(&strewn)
        .with_context(|| format!("wanted the bill of materials {}", strewn.display()))?;
    let bill = bill(&text, &checkout::root(), image, compiler)?;
    let path = image.archive.with_extension("cdx.json");
    fs::write(&path, bill).with_context(|| format!("wanted to write {}", path.display()))?;
    Ok(path)
}

/// The tool's text, about this image and its compiler, and without paths of this machine.
fn bill(text: &str, root: &Path, image: &Built, compiler: &str) -> Result<String> {
    let text = text.replace(&format!("file://{}", root.display()), "file://.");
    let mut bill: Value = serde_json::from_str(&text)?;
    let name = |component: &Value| component["name"].as_str().map(str::to_owned);
    let names: Vec<_> = bill["components"].as_array().into_iter().flatten().map(name).collect();
    for wanted in ["duckduckgoose-election", "kube", "tokio"] {
        let is_there = names.iter().flatten().any(|name| name == wanted);
        ensure!(is_there, "wanted {wanted} in the bill of {}, found none", image.part.repository());
    }
    let metadata = bill["metadata"].as_object_mut().context("wanted metadata in the bill")?;
    let properties = metadata.entry("properties").or_insert_with(|| json!([]));
    let properties = properties.as_array_mut().context("wanted a list of properties")?;
    let reference = format!("{}:{}@{}", image.part.repository(), checkout::VERSION, image.digest);
    properties.push(json!({ "name": "duckduckgoose.dev:image", "value": reference }));
    properties.push(json!({ "name": "duckduckgoose.dev:compiler", "value": compiler }));
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

/// What the tool has written all over the workspace.
fn strewn() -> Vec<PathBuf> {
    let packages = ["sidecar", "operator", "xtask", "bench/members"];
    let files =
        packages.iter().filter_map(|package| fs::read_dir(checkout::root().join(package)).ok());
    let files = files.flatten().flatten().map(|entry| entry.path());
    files.filter(|path| path.to_string_lossy().ends_with(".cdx.json")).collect()
}

/// In seconds since 1970; `None` outside of a git checkout.
async fn time_of_commit() -> Option<String> {
    let mut git = command("git");
    git.args(["log", "-1", "--format=%ct"]);
    output(git).await.ok().map(|time| time.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::*;

    fn image() -> Built {
        Built {
            part: Part::Sidecar,
            program: "duckgoose".into(),
            archive: "sidecar.tar".into(),
            digest: "sha256:5eed".into(),
            size: 1,
        }
    }

    fn written(names: &[&str]) -> String {
        let component =
            |name: &&str| json!({ "name": name, "bom-ref": format!("path+file:///src/{name}") });
        let components: Vec<_> = names.iter().map(component).collect();
        json!({ "metadata": {}, "components": components }).to_string()
    }

    #[test]
    fn a_bill_names_its_image_and_no_path_of_this_machine() {
        let text = written(&["duckduckgoose-election", "kube", "tokio"]);
        let bill = bill(&text, Path::new("/src"), &image(), "rustc 1").unwrap();
        assert!(bill.contains("duckduckgoose/sidecar:") && bill.contains("@sha256:5eed"), "{bill}");
        assert!(bill.contains("rustc 1"), "{bill}");
        assert!(bill.contains("path+file://./kube") && !bill.contains("/src"), "{bill}");
    }

    #[test]
    fn a_bill_without_what_is_surely_linked_is_no_bill() {
        let error =
            bill(&written(&["kube", "tokio"]), Path::new("/src"), &image(), "rustc 1").unwrap_err();
        assert!(error.to_string().contains("wanted duckduckgoose-election"), "{error}");
    }
}
