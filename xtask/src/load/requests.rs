//! As many questions as one core can answer, of bare axum and of the sidecar by turns.
//!
//! They are compared by the answers that a second of processor gives: on a core that is a server's alone
//! that is the same as answers a second, and where somebody else wants the core, too, it is fair.

use anyhow::{Result, ensure};
use bench::usage;
use comfy_table::{CellAlignment, Table, presets};

use super::members::{Members, Server};
use super::wrk::{self, Figures};
use crate::cli::LoadOptions;
use crate::screen::Screen;

/// What was measured, for each number of connections.
pub struct Requests(Vec<Measured>);

struct Measured {
    connections: usize,
    /// By round, each of [`ASKED`].
    rounds: Vec<[Turn; 3]>,
}

#[derive(Clone, Copy)]
struct Turn {
    figures: Figures,
    /// Answers in a second of the server's processor.
    per_cpu_second: f64,
}

/// Asks for everything by turns.
///
/// # Errors
/// Where wrk fails.
pub async fn measure(
    members: &Members,
    options: &LoadOptions,
    screen: &Screen,
) -> Result<Requests> {
    let mut all = Vec::new();
    for connections in CONNECTIONS {
        let mut rounds = Vec::new();
        for round in 1..=options.rounds {
            screen.line(format!("  {connections} connections, round {round}/{}", options.rounds));
            let mut turns = Vec::new();
            for (_, path) in ASKED {
                let server = if path == BARE { &members.bare } else { &members.sidecar };
                turns.push(turn(server, path, connections, options.seconds).await?);
            }
            rounds.push([turns[0], turns[1], turns[2]]);
        }
        all.push(Measured { connections, rounds });
    }
    Ok(Requests(all))
}

async fn turn(server: &Server, path: &str, connections: usize, seconds: u32) -> Result<Turn> {
    let before = usage::ran(server.pid)?;
    let figures = wrk::ask(server.address, path, connections, seconds).await?;
    let ran = usage::ran(server.pid)?.saturating_sub(before).as_secs_f64();
    ensure!(ran > 0.0, "wanted the server to have run, found that it did not");
    Ok(Turn { figures, per_cpu_second: figures.answers as f64 / ran })
}

impl Requests {
    /// The median round of each, as a document has it.
    pub fn table(&self) -> Table {
        let head = [
            "connections",
            "asked",
            "a second",
            "a second of processor",
            "of bare axum",
            "p50",
            "p99",
            "p99.9",
        ];
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN).set_header(head);
        for measured in &self.0 {
            for (asked, (name, _)) in ASKED.iter().enumerate() {
                table.add_row(measured.row(asked, name));
            }
        }
        for column in [0, 2, 3, 4, 5, 6, 7] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }

    /// What is not as it should be.
    pub fn wrongs(&self) -> Vec<String> {
        self.0.iter().flat_map(Measured::wrongs).collect()
    }
}

impl Measured {
    fn row(&self, asked: usize, name: &str) -> [String; 8] {
        let milliseconds = |value: fn(&Figures) -> f64| {
            format!("{:.2} ms", self.median(|round| value(&round[asked].figures)) / 1000.0)
        };
        [
            self.connections.to_string(),
            name.to_owned(),
            format!("{:.0}", self.median(|round| round[asked].figures.per_second())),
            format!("{:.0}", self.median(|round| round[asked].per_cpu_second)),
            format!("{:.0} %", self.share(asked)),
            milliseconds(|figures| figures.p50),
            milliseconds(|figures| figures.p99),
            milliseconds(|figures| figures.p999),
        ]
    }

    fn wrongs(&self) -> Vec<String> {
        let connections = self.connections;
        let mut wrongs = Vec::new();
        for (asked, (name, _)) in ASKED.iter().enumerate() {
            let share = self.share(asked);
            if share < LEAST_SHARE {
                wrongs.push(format!(
                    "wanted {LEAST_SHARE} % of bare axum's answers from {name} over {connections} \
                     connections, found {share:.1} %"
                ));
            }
            let failed: u64 = self.rounds.iter().map(|round| round[asked].figures.failed).sum();
            if failed > 0 {
                wrongs.push(format!("{failed} questions of {name} were not answered with 200"));
            }
        }
        wrongs
    }

    /// Of bare axum's answers in the same round, in percent.
    fn share(&self, asked: usize) -> f64 {
        self.median(|round| round[asked].per_cpu_second / round[0].per_cpu_second * 100.0)
    }

    fn median(&self, value: impl Fn(&[Turn; 3]) -> f64) -> f64 {
        let mut values: Vec<_> = self.rounds.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// Few, as a pod has that is asked for its role; and more, until the queue is all that takes time.
const CONNECTIONS: [usize; 4] = [1, 8, 32, 64];

/// Bare axum first: the others are compared with it.
const ASKED: [(&str, &str); 3] =
    [("bare axum", BARE), ("`/goose`", "/goose"), ("`/role`", "/role")];

const BARE: &str = "/";

/// In percent.
const LEAST_SHARE: f64 = 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// By answers in a second of processor. All had the processor for half of a second.
    fn measured(rounds: &[[u32; 3]]) -> Requests {
        let figures = |per_cpu_second: &u32| Turn {
            figures: Figures {
                answers: u64::from(per_cpu_second / 2),
                microseconds: 1e6,
                failed: 0,
                p50: 70.0,
                p99: 1250.0,
                p999: 2000.0,
            },
            per_cpu_second: f64::from(*per_cpu_second),
        };
        let round = |round: &[u32; 3]| round.each_ref().map(figures);
        Requests(vec![Measured { connections: 8, rounds: rounds.iter().map(round).collect() }])
    }

    #[test]
    fn the_median_of_the_shares_by_round_is_what_counts() {
        let busy_at_times = measured(&[[100, 70, 59], [100, 20, 61], [50, 36, 40]]);
        assert_eq!(busy_at_times.wrongs(), [""; 0]);
        let row = busy_at_times.0[0].row(1, "`/goose`").join(" | ");
        assert_eq!(row, "8 | `/goose` | 18 | 36 | 70 % | 0.07 ms | 1.25 ms | 2.00 ms");
    }

    #[test]
    fn too_small_a_share_and_a_failure_are_told() {
        let mut slow = measured(&[[100, 59, 60]]);
        slow.0[0].rounds[0][2].figures.failed = 2;
        let wrongs = slow.wrongs();
        assert!(wrongs[0].starts_with("wanted 60 % of bare axum's answers from `/goose` over 8"));
        assert_eq!(wrongs[1], "2 questions of `/role` were not answered with 200");
        assert_eq!(wrongs.len(), 2);
    }
}
