//! `cargo xtask up`, `down` and `status`: clusters that outlive the command.

use std::path::Path;

use anyhow::Result;
use comfy_table::{Table, presets};
use testbed::{Cluster, Options};

use crate::cli::{UpOptions, tier};
use crate::clients::is_in_path;
use crate::install;
use crate::prepare;
use crate::screen::Screen;

/// Starts a cluster, leaves it running, and prints the lines that make `kubectl` use it.
///
/// # Errors
/// Where the machine lacks something, one of that name runs, or it does not come up.
pub async fn up(options: UpOptions, screen: &Screen) -> Result<()> {
    let UpOptions { light, name, install, etcd_members, kubernetes } = options;
    prepare::install(tier(light), screen).await?;
    let kind = Options { etcd_members, kubernetes, ..kind(&name, light) };
    let mut cluster = start_with(kind, screen).await?;
    if install {
        let images = crate::image::build(screen).await?;
        install::on_own_cluster(&cluster, &images, screen).await?;
    }
    cluster.keep()?;
    screen.line("for your shell:");
    print!("{}", exports(&cluster));
    Ok(())
}

/// Starts a cluster that is taken down with this process, unless it is kept.
///
/// # Errors
/// As [`up`].
pub async fn start(name: &str, light: bool, screen: &Screen) -> Result<Cluster> {
    start_with(kind(name, light), screen).await
}

/// The same, of a kind of its own.
///
/// # Errors
/// As [`up`].
pub async fn start_with(options: Options, screen: &Screen) -> Result<Cluster> {
    Ok(Cluster::start(Options { progress: screen.testbed(), ..options }).await?)
}

/// What a cluster of this name is by default.
pub fn kind(name: &str, light: bool) -> Options {
    if light { Options::light(name) } else { Options::full(name) }
}

/// Takes a cluster down.
///
/// # Errors
/// Where there is none of that name, or something of it stays.
pub async fn down(name: &str, screen: &Screen) -> Result<()> {
    testbed::down(name).await?;
    screen.line(format!("the cluster {name} is gone"));
    Ok(())
}

/// Prints all clusters of this machine.
///
/// # Errors
/// Where their state cannot be read.
pub fn status() -> Result<()> {
    let clusters = Cluster::list()?;
    if clusters.is_empty() {
        println!("no cluster is running; `cargo xtask up` starts one");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["NAME", "TIER", "NODES", "STATE", "KUBECONFIG"]);
    for cluster in clusters {
        let state = state(&cluster);
        let kubeconfig = cluster.kubeconfig.display().to_string();
        table.add_row([
            cluster.name,
            cluster.tier.to_string(),
            cluster.nodes.to_string(),
            state,
            kubeconfig,
        ]);
    }
    println!("{table}");
    Ok(())
}

/// The lines for a shell that make `kubectl` use the cluster.
pub fn exports(cluster: &Cluster) -> String {
    let mut lines = format!("export KUBECONFIG={}\n", cluster.kubeconfig().display());
    if !is_in_path("kubectl") {
        let kubectl = cluster.program("kubectl");
        let folder = kubectl.parent().unwrap_or(Path::new("."));
        lines += &format!("export PATH=$PATH:{}\n", folder.display());
    }
    lines
}

fn state(cluster: &testbed::Status) -> String {
    let stopped = cluster.programs.iter().filter(|(_, runs)| !runs).map(|(name, _)| name.as_str());
    let stopped: Vec<_> = stopped.collect();
    match (cluster.wanted, cluster.ready, stopped.is_empty()) {
        (false, _, _) => format!("left by a crash: cargo xtask down --name {}", cluster.name),
        (true, false, _) => "starting".to_owned(),
        (true, true, true) => "running".to_owned(),
        (true, true, false) => format!("running without {}", stopped.join(", ")),
    }
}
