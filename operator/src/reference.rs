//! The page of `docs/reference` that is made from this program: its command line.
//!
//! After a change that is meant to change it: `REWRITE=1 cargo test -p duckduckgoose-operator
//! reference`, and read the difference.

use std::env;
use std::fs;
use std::path::Path;

use clap::CommandFactory;

use crate::arguments::Arguments;

#[test]
fn the_page_of_the_command_line_is_up_to_date() {
    let help = Arguments::command().render_long_help().to_string();
    let lines = help.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>();
    let wanted = format!("# duckgoose-operator\n\n{HOW_IT_IS_MADE}\n\n```text\n{lines}```\n");
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/duckgoose-operator.md");
    if env::var_os("REWRITE").is_some() {
        fs::write(&file, &wanted).expect("the checkout can be written to");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, wanted, "run REWRITE=1 cargo test -p duckduckgoose-operator reference");
}

const HOW_IT_IS_MADE: &str = "Made from the program by a test, `operator/src/reference.rs`: edit \
                              the program.";
