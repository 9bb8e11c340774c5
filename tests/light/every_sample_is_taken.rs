//! All manifests, and what stands as YAML in the documents: the API server would take it. Where a page
//! shows a part of a cluster's spec, that part is put into the sample.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use stage::Stage;
use stage::page::{Shell, blocks};

pub async fn test(stage: &Stage) -> Result<()> {
    let shell = Shell::open(stage).await?;
    // What is of the operator's namespace wants to find it, also where nothing is carried out.
    shell.types("kubectl create namespace duckduckgoose-system || true").await?;
    for manifest in files(Path::new(MANIFESTS), "yaml")? {
        would_be_taken(&shell, &manifest, "").await?;
    }
    shell.types("kubectl apply --filename manifests/samples/pond.yaml").await?;
    let mut shown = 0;
    for page in files(Path::new("docs"), "md")? {
        let text = fs::read_to_string(from_root(&page))?;
        for block in blocks(&text, "yaml").into_iter().filter(|block| !is_left_out(block)) {
            shown += 1;
            let file = stage.file(&format!("shown-{shown}.yaml"))?;
            let (object, how) = whole(block).with_context(|| page.display().to_string())?;
            fs::write(&file, object)?;
            would_be_taken(&shell, &file, how)
                .await
                .with_context(|| format!("{}:\n{block}", page.display()))?;
        }
    }
    ensure!(shown > 0, "wanted YAML in the documents, found none");
    Ok(())
}

async fn would_be_taken(shell: &Shell, file: &Path, how: &str) -> Result<()> {
    let file = file.display();
    shell.types(&format!("kubectl apply --dry-run=server --filename {file} {how}")).await.map(drop)
}

/// The object that a block is or is a part of, and how it is applied.
fn whole(block: &str) -> Result<(String, &'static str)> {
    if block.contains("apiVersion:") {
        Ok((block.to_owned(), ""))
    } else if block.starts_with("spec:") {
        Ok((format!("{POND}{block}"), AS_A_PART))
    } else {
        bail!("wanted an object, or a part of a cluster from `spec:` on, found\n{block}")
    }
}

/// Of a pod: tests/full/the_how_tos_work.rs has it.
fn is_left_out(block: &str) -> bool {
    block.starts_with("startupProbe:")
}

/// All files of a folder of the checkout, and of those in it, that end so.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(from_root(folder))? {
        let path = folder.join(entry?.file_name());
        if from_root(&path).is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|its| its == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn from_root(path: &Path) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

const MANIFESTS: &str = "manifests";

const POND: &str =
    "apiVersion: duckduckgoose.dev/v1alpha1\nkind: DuckGooseCluster\nmetadata: { name: pond }\n";

const AS_A_PART: &str = "--server-side --force-conflicts --field-manager=documents";
