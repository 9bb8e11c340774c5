//! What a person does with this checkout.

mod bench;
mod chaos;
mod checkout;
mod cli;
mod clients;
mod command;
mod demo;
mod documents;
mod generated;
mod image;
mod install;
mod interrupt;
mod load;
mod model;
mod post_mortem;
mod prepare;
mod screen;
mod test;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::cli::{Cli, Task};
use crate::screen::Screen;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Runtime::new().expect("the machine has threads");
    let result = runtime.block_on(carry_out(cli.task));
    // Whatever still blocks (a build, after Ctrl-C) has nothing left to clean up.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(task: Task) -> Result<()> {
    std::env::set_current_dir(checkout::root())?;
    let (stdout, stderr) = (Screen::stdout(), Screen::stderr());
    match task {
        // It treats Ctrl-C by itself: it can be a good end of it.
        Task::Demo(options) => demo::run(options, &stdout).await,
        Task::Test(options) => interrupt::or(test::run_all(options, &stdout)).await,
        Task::Bench(options) => interrupt::or(bench::run(options, &stdout)).await,
        Task::Chaos(options) => interrupt::or(chaos::run(options, &stdout)).await,
        Task::Load(options) => interrupt::or(load::run(options, &stdout)).await,
        Task::Model(options) => interrupt::or(model::run(options, &stdout)).await,
        Task::Up(options) => interrupt::or(up::up(options, &stderr)).await,
        Task::Down { name } => up::down(&name, &stderr).await,
        Task::Status => up::status(),
        Task::Image => interrupt::or(image::run(&stderr)).await,
        Task::Crd { check: false } => interrupt::or(generated::write(&stdout)).await,
        Task::Crd { check: true } => interrupt::or(generated::check(&stdout)).await,
        Task::Docs => interrupt::or(documents::check_all(&stdout)).await,
        Task::Prepare { light } => interrupt::or(prepare::run(cli::tier(light), &stdout)).await,
    }
}
