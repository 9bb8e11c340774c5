//! `duckgoose role`: what the role file says, for a person or a script.

use std::path::Path;
use std::process::ExitCode;

use api::names::{DUCK, GOOSE};
use election::driver::clocks;
use serde::Serialize;

use crate::role_file::{Told, read};

/// Prints the role in one word, or as JSON; exits with 0 for the Goose, 1 for a
/// Duck, and 2 where it is not known, which is explained on standard error.
pub fn show(file: &Path, json: bool) -> ExitCode {
    let told = read(file, clocks);
    let words = Words::of(&told);
    if json {
        println!("{}", serde_json::to_string(&words).expect("words and numbers"));
    } else {
        println!("{}", words.role);
    }
    if let Told::Unknown(why) = &told
        && !json
    {
        eprintln!("duckgoose: the role is not known: {why}");
    }
    match told {
        Told::Goose(_) => ExitCode::SUCCESS,
        Told::Duck => ExitCode::from(1),
        Told::Unknown(_) => ExitCode::from(2),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Words<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    term: Option<u64>,
    /// For how long nobody else will be the Goose.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl Words<'_> {
    fn of(told: &Told) -> Words<'_> {
        let silent = Words { role: UNKNOWN, term: None, hold_ms: None, reason: None };
        match told {
            Told::Goose(hold) => Words {
                role: GOOSE,
                term: Some(hold.term),
                hold_ms: Some(hold.left(&clocks()).as_millis() as u64),
                ..silent
            },
            Told::Duck => Words { role: DUCK, ..silent },
            Told::Unknown(why) => Words { reason: Some(why), ..silent },
        }
    }
}

const UNKNOWN: &str = "unknown";
