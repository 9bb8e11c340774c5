//! The images that every cluster has: no registry is there to pull them from.

use std::path::PathBuf;

use crate::error::Error;
use crate::image::Image;
use crate::plan::Plan;
use crate::prerequisites::{busybox, catatonit};
use crate::tool;

/// What holds a pod's namespaces.
pub(crate) const PAUSE: &str = "duckduckgoose.dev/testbed/pause:1";

/// For sample workloads, under the name that manifests use anywhere (`busybox:stable`).
pub const BUSYBOX: &str = "docker.io/library/busybox:stable";

/// Builds their archives.
pub(crate) fn build(plan: &Plan) -> Result<Vec<PathBuf>, Error> {
    let archives = [("pause", pause()?), ("busybox", busybox_image()?)];
    let built = archives.into_iter().map(|(name, image)| {
        let archive = plan.folder.join("images").join(format!("{name}.tar"));
        image.write(&archive)?;
        Ok(archive)
    });
    built.collect()
}

fn pause() -> Result<Image, Error> {
    let catatonit = catatonit().ok_or_else(|| missing("a static catatonit"))?;
    Ok(Image::new(PAUSE).program("/pause", catatonit).entrypoint(["/pause", "-P"]))
}

/// Like the official one: every applet by its name, and root as its user.
fn busybox_image() -> Result<Image, Error> {
    let busybox = busybox().ok_or_else(|| missing("a static busybox"))?;
    let applets = tool::run(&busybox, &["--list"])?;
    let image = Image::new(BUSYBOX)
        .program("/bin/busybox", &busybox)
        .folder("/tmp", 0o1777)
        .environment("PATH", "/bin")
        .command(["sh"])
        .user("0:0");
    let applets = applets.lines().filter(|applet| *applet != "busybox");
    Ok(applets.fold(image, |image, applet| image.link(&format!("/bin/{applet}"), "busybox")))
}

fn missing(what: &str) -> Error {
    Error::Unfit(format!(
        "wanted {what}, found none; `testbed::prerequisites::missing` says what to install"
    ))
}
