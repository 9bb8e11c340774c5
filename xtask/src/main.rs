//! What a person does with this checkout.

mod checkout;
mod cli;
mod clients;
mod command;
mod demo;
mod generated;
mod image;
mod install;
mod interrupt;
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
    let result = runtime.block_on(interrupt::or(carry_out(cli.task)));
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
    match task {
        Task::Demo(options) => demo::run(options, &Screen::stdout()).await,
        Task::Test(options) => test::run_all(options, &Screen::stdout()).await,
        Task::Up(options) => up::up(options, &Screen::stderr()).await,
        Task::Down { name } => up::down(&name, &Screen::stderr()).await,
        Task::Status => up::status(),
        Task::Image => image::run(&Screen::stderr()).await,
        Task::Crd { check: false } => generated::write(&Screen::stdout()).await,
        Task::Crd { check: true } => generated::check(&Screen::stdout()).await,
        Task::Prepare { light } => prepare::run(cli::tier(light), &Screen::stdout()).await,
    }
}
