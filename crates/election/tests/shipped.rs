//! What ships has no rule that can be switched off.

use std::process::Command;

#[test]
fn no_program_that_ships_has_the_feature_mutations() {
    for program in ["duckduckgoose-sidecar", "duckduckgoose-operator"] {
        let features = features_of_the_election_in(program);
        assert!(features.contains("kube"), "{program}: wanted the driver, found {features:?}");
        assert!(!features.contains("mutations"), "{program} has the feature mutations");
    }
}

/// As cargo would build this program, without anybody's tests.
fn features_of_the_election_in(program: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--format", "{p} features={f}"])
        .args(["--package", program])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8_lossy(&output.stdout);
    let line = tree.lines().find(|line| line.contains("duckduckgoose-election"));
    let line = line.unwrap_or_else(|| panic!("{program} does not depend on the election"));
    line.split("features=").nth(1).unwrap_or_default().to_owned()
}
