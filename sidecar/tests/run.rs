//! `duckgoose role` and `duckgoose run` as a workload's container runs them: the
//! real program, beside a role file that the test writes in the sidecar's place.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use election::driver::clocks;
use rustix::process::{Pid, Signal, kill_process};

/// The sidecar's part: the file, as `docs/how-to/read-the-role-file.md` has it.
struct Pod {
    folder: tempfile::TempDir,
    lock: Option<File>,
}

impl Pod {
    fn new() -> Pod {
        Pod { folder: tempfile::tempdir().unwrap(), lock: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn is_goose(&mut self, term: u64, hold: Duration) {
        let now = clocks();
        let until = |clock: Duration| (clock + hold).as_millis();
        self.write(&format!(
            "role=goose\nterm={term}\nhold_ms={}\nhold_until_boottime_ms={}\n\
             hold_until_raw_ms={}\n",
            hold.as_millis(),
            until(now.boottime),
            until(now.raw),
        ));
    }

    fn is_duck(&mut self) {
        self.write("role=duck\n");
    }

    fn write(&mut self, text: &str) {
        fs::write(self.path("next"), text).unwrap();
        let file = File::open(self.path("next")).unwrap();
        file.lock().unwrap();
        fs::rename(self.path("next"), self.path("role")).unwrap();
        self.lock = Some(file);
    }

    fn duckgoose(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duckgoose"));
        command.args(&words[..1]).arg("--file").arg(self.path("role")).args(&words[1..]);
        command.stdin(Stdio::null());
        command
    }

    fn role(&self, words: &[&str]) -> Output {
        self.duckgoose(&[&["role"], words].concat()).output().unwrap()
    }

    /// Runs a script while the pod is the Goose, in the pod's folder.
    fn run(&self, script: &str) -> Wrapper {
        let mut command = self.duckgoose(&["run", "--", "sh", "-c", script]);
        command.current_dir(self.folder.path());
        Wrapper { process: command.spawn().unwrap() }
    }

    /// Waits until the script has written this file.
    fn finds(&self, name: &str) -> String {
        let path = self.path(name);
        within(PATIENCE, || fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n')))
            .unwrap_or_else(|| panic!("wanted {name}"))
    }

    /// Waits for a file with a process's number, and for the end of that process.
    fn process(&self, name: &str) -> Pid {
        Pid::from_raw(self.finds(name).trim().parse().unwrap()).unwrap()
    }
}

/// `duckgoose run`, killed with the test.
struct Wrapper {
    process: Child,
}

impl Wrapper {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    fn code(&mut self) -> i32 {
        let ended = within(PATIENCE, || self.process.try_wait().unwrap());
        ended.expect("wanted the wrapper to end").code().expect("a wrapper is not killed")
    }
}

impl Drop for Wrapper {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn within<T>(limit: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let since = Instant::now();
    while since.elapsed() < limit {
        if let Some(found) = found() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

/// Neither running nor waiting to be buried.
fn is_gone(process: Pid) -> Option<()> {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = status.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, None | Some('Z' | 'X')).then_some(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn role_tells_by_word_and_code_what_the_file_says() {
    let mut pod = Pod::new();
    let found = |pod: &Pod| {
        let output = pod.role(&[]);
        (text(&output.stdout), output.status.code().unwrap())
    };
    assert_eq!(found(&pod), ("unknown\n".to_owned(), 2));
    pod.is_duck();
    assert_eq!(found(&pod), ("duck\n".to_owned(), 1));
    pod.is_goose(812, LONG);
    assert_eq!(found(&pod), ("goose\n".to_owned(), 0));
    let json = text(&pod.role(&["--json"]).stdout);
    assert!(json.starts_with(r#"{"role":"goose","term":812,"holdMs":59"#), "{json}");

    // The sidecar's lock ends with the sidecar.
    pod.lock = None;
    let output = pod.role(&[]);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("unknown\n", Some(2)));
    assert!(text(&output.stderr).contains("does not run any more"), "{output:?}");
}

#[test]
fn a_command_starts_with_the_role_and_its_exit_code_passes_through() {
    let mut pod = Pod::new();
    pod.is_duck();
    let mut wrapper = pod.run("echo $DUCKGOOSE_TERM > started; exit 7");
    std::thread::sleep(Duration::from_millis(300));
    assert!(!pod.path("started").exists(), "it ran as a Duck");
    pod.is_goose(812, LONG);
    assert_eq!(wrapper.code(), 7);
    assert_eq!(pod.finds("started"), "812\n");
}

#[test]
fn what_cannot_be_run_ends_as_of_a_shell() {
    let mut pod = Pod::new();
    pod.is_goose(812, LONG);
    for (program, code) in [("/no/such/program", 127), ("/etc/passwd", 126)] {
        let status = pod.duckgoose(&["run", "--", program]).status().unwrap();
        assert_eq!(status.code(), Some(code), "{program}");
    }
}

#[test]
fn signals_pass_through_and_a_death_by_signal_is_told_as_of_a_shell() {
    let mut pod = Pod::new();
    pod.is_goose(812, LONG);
    let mut wrapper = pod.run(
        "trap 'echo yes > usr1' USR1; trap 'exit 5' TERM; echo ready > ready; \
         while :; do sleep 0.05; done",
    );
    pod.finds("ready");
    wrapper.signal(Signal::USR1);
    pod.finds("usr1");
    wrapper.signal(Signal::TERM);
    assert_eq!(wrapper.code(), 5);
    assert_eq!(pod.run("kill -KILL $$").code(), 128 + 9);
}

#[test]
fn a_wrapper_that_waits_ends_at_once_when_it_is_told_to() {
    let mut pod = Pod::new();
    pod.is_duck();
    let mut wrapper = pod.run("exit 3");
    std::thread::sleep(Duration::from_millis(300));
    wrapper.signal(Signal::TERM);
    assert_eq!(wrapper.code(), 0);
}

#[test]
fn a_command_ends_with_the_role_and_starts_anew_with_the_next_one() {
    let mut pod = Pod::new();
    pod.is_goose(812, LONG);
    let script = "trap 'echo yes > ended-'$DUCKGOOSE_TERM'; exit 0' TERM; \
                  echo yes > started-$DUCKGOOSE_TERM; while :; do sleep 0.05; done";
    let mut wrapper = pod.run(script);
    pod.finds("started-812");
    pod.is_duck();
    pod.finds("ended-812");
    pod.is_goose(900, LONG);
    pod.finds("started-900");
    // Another term is another role, also without a Duck in between.
    pod.is_goose(950, LONG);
    pod.finds("ended-900");
    pod.finds("started-950");
    wrapper.signal(Signal::TERM);
    assert_eq!(wrapper.code(), 0);
}

/// The safety of it: whatever the command does, and whatever it started, is gone when the hold
/// that was last given ends, though the file still says goose.
#[test]
fn a_command_that_does_not_end_is_killed_with_all_it_started_before_its_hold_ends() {
    let mut pod = Pod::new();
    let hold = Duration::from_secs(2);
    pod.is_goose(812, hold);
    let ends = Instant::now() + hold;
    let stubborn = "trap '' TERM; setsid sh -c 'echo $$ > stray; exec sleep 60' & \
                    echo $$ > command; while :; do sleep 60; done";
    let _wrapper = pod.run(stubborn);
    let processes = ["command", "stray"].map(|name| pod.process(name));
    for process in processes {
        let left = ends.saturating_duration_since(Instant::now());
        within(left, || is_gone(process)).expect("it outlived the hold");
    }
}

#[test]
fn the_death_of_the_sidecar_ends_the_command_within_the_hold() {
    let mut pod = Pod::new();
    let hold = Duration::from_secs(2);
    pod.is_goose(812, hold);
    let ends = Instant::now() + hold;
    let _wrapper = pod.run("echo $$ > command; exec sleep 60");
    let process = pod.process("command");
    pod.lock = None;
    let left = ends.saturating_duration_since(Instant::now());
    within(left, || is_gone(process)).expect("it outlived the hold");
}

#[test]
fn a_killed_wrapper_takes_the_command_along() {
    let mut pod = Pod::new();
    pod.is_goose(812, LONG);
    let wrapper = pod.run("echo $$ > command; exec sleep 60");
    let process = pod.process("command");
    wrapper.signal(Signal::KILL);
    within(PATIENCE, || is_gone(process)).expect("it outlived its wrapper");
}

#[test]
fn orphans_are_buried_while_the_command_runs() {
    let mut pod = Pod::new();
    pod.is_goose(812, LONG);
    let _wrapper = pod.run("sh -c 'sleep 0.1 & echo $! > orphan'; echo yes > ready; exec sleep 60");
    let orphan = pod.process("orphan");
    let proc = format!("/proc/{orphan}");
    within(PATIENCE, || (!Path::new(&proc).exists()).then_some(())).expect("a zombie was left");
}

/// Longer than a test takes.
const LONG: Duration = Duration::from_secs(60);

const PATIENCE: Duration = Duration::from_secs(20);
