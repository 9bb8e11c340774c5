//! What users see, on real nodes: `cargo xtask test`, or by hand as the crate says.

mod a_killed_sidecar_is_replaced;

use std::process::ExitCode;

use stage::Suite;
use testbed::Tier;

fn main() -> ExitCode {
    Suite::on(Tier::Full)
        .beside_others("a_killed_sidecar_is_replaced", a_killed_sidecar_is_replaced::test)
        .run()
}
