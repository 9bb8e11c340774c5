//! `cargo run -p duckduckgoose-testbed --example cluster -- up|down|status NAME light|full`

use std::process::ExitCode;

use testbed::{Cluster, Error, Options, Progress, Tier, prerequisites};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["up", name, "light"] => up(Options::light(name)).await,
        ["up", name, "full"] => up(Options::full(name)).await,
        ["down", name] => testbed::down(name).await,
        ["status"] => status(),
        ["prepare", "full"] => {
            prerequisites::install(Tier::Full, &Progress::stderr()).map_err(Error::from)
        }
        _ => {
            eprintln!(
                "wanted `up NAME light|full`, `down NAME`, `status` or `prepare full`, found {arguments:?}"
            );
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn up(options: Options) -> Result<(), Error> {
    let mut cluster = Cluster::start(options).await?;
    cluster.keep()?;
    println!("export KUBECONFIG={}", cluster.kubeconfig().display());
    println!("kubectl is {}", cluster.program("kubectl").display());
    Ok(())
}

fn status() -> Result<(), Error> {
    for status in Cluster::list()? {
        println!("{status:#?}");
    }
    Ok(())
}
