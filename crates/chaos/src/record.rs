//! What is written down of a run, and the folder that it is kept in.
//!
//! | file | what it holds |
//! |---|---|
//! | `record.json` | the schedule with its seed, and when which fault was there |
//! | `history.json` | what the members answered, the Lease's versions, the labels |
//! | `verdict.txt` | what both prove |
//! | `logs/` | of the sidecars, the operator and the API server |

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use history::History;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cast::Cast;
use crate::fault::Fault;
use crate::schedule::{Planned, Schedule};
use crate::verdict::Verdict;

/// A run, but for what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which elector ran.
    pub elector: String,
    /// Whose election that is: it says what can be judged.
    #[serde(default)]
    pub cast: Cast,
    /// `spec.lease.duration`.
    pub lease: Duration,
    /// How many pods there are at rest.
    pub members: usize,
    /// What was planned.
    pub schedule: Schedule,
    /// When the first Goose was there: nothing before it is judged.
    pub began: Duration,
    /// What was done, as far as it came.
    pub rounds: Vec<Round>,
    /// When the run ended.
    pub ended: Duration,
    /// Versions of the Lease that the faults wrote.
    pub by_hand: BTreeSet<u64>,
}

/// One round. All times are on the clock of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// What was done.
    pub tried: Vec<Tried>,
    /// When it began.
    pub from: Duration,
    /// When the last fault was taken back.
    #[serde(default)]
    pub taken_back: Duration,
    /// When it was healed, too: where the API server or a node was disturbed, every node finds the API
    /// server again.
    pub healed: Duration,
    /// How soon after that there must be one Goose.
    pub bound: Duration,
    /// When all was at rest again; none where it never was.
    pub settled: Option<Duration>,
}

impl Record {
    /// When the API server may have stood still: its watches then tell one what they told another before.
    /// By the schedule alone; what that leaves open, [`History::breaches`] says.
    pub(crate) fn stills(&self) -> Vec<Range<Duration>> {
        let of_round = |round: &Round| {
            let frozen = |tried: &&Tried| tried.planned.fault == Fault::ApiFrozen;
            let frozen = round.tried.iter().find(frozen)?;
            Some(round.from + frozen.planned.after..round.taken_back)
        };
        self.rounds.iter().filter_map(of_round).collect()
    }
}

/// A fault, and whether it could be injected and healed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The fault.
    pub planned: Planned,
    /// Why it could not.
    pub failure: Option<String>,
}

impl Record {
    /// Keeps the run in a folder, and judges it.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn keep(&self, history: &History, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("wanted {}", folder.display()))?;
        write(&folder.join(RECORD), &serde_json::to_vec_pretty(self)?)?;
        write(&folder.join(HISTORY), &serde_json::to_vec(&history.condensed())?)?;
        write(&folder.join(VERDICT), Verdict::of(self, history).in_words(history).as_bytes())
    }

    /// Reads a run that was kept.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(folder: &Path) -> Result<(Self, History)> {
        Ok((read(&folder.join(RECORD))?, read(&folder.join(HISTORY))?))
    }
}

impl Round {
    /// Whether no fault of it lays hands on the Goose, or on what a Goose needs: it must go on.
    pub fn spares_the_goose(&self) -> bool {
        self.tried.iter().all(|tried| tried.planned.spares_the_goose())
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("wanted to write {}", path.display()))
}

fn read<What: DeserializeOwned>(path: &Path) -> Result<What> {
    let text = fs::read(path).with_context(|| format!("wanted {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("wanted to read {}", path.display()))
}

const RECORD: &str = "record.json";

const HISTORY: &str = "history.json";

const VERDICT: &str = "verdict.txt";
