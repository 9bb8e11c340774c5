//! Three tasks of one process, each of which leads once.

use std::thread;
use std::time::Duration;

use duckduckgoose_election::member::{Config, Input, Member, Output, Role};
use duckduckgoose_election::memory::MemoryLease;
use duckduckgoose_election::record::Incarnation;
use duckduckgoose_election::timing::Timing;

fn main() {
    let timing =
        Timing::new(Duration::from_secs(2), Duration::from_millis(500)).expect("in bounds");
    let server = MemoryLease::new(timing);
    thread::scope(|tasks| {
        for (name, jitter) in [("ada", 0), ("bob", 300), ("cyd", 600)] {
            let me = Incarnation::new(name, name, "1").expect("plain letters");
            let member = Member::new(Config { me, timing, jitter });
            tasks.spawn(|| lead_once(member, &server));
        }
    });
}

fn lead_once(mut member: Member, server: &MemoryLease) {
    let (lease, watch) = server.watch();
    let mut input = Input::Read(Some(lease));
    while !member.is_done() {
        let mut answer = None;
        for output in member.handle(server.now(), input) {
            match output {
                Output::Write(write) => {
                    let (attempt, outcome) = (write.record.attempt, server.write(&write));
                    answer = Some(Input::Written { attempt, outcome });
                }
                Output::Became(role, cause) => println!("{}: {role:?}, {cause:?}", member.me()),
                Output::Resync => {} // A watch in memory does not break.
            }
        }
        let leads = member.role_at(&server.now()) != Role::Duck;
        input = match (answer, member.wake(&server.now())) {
            (Some(answer), _) => answer,
            (None, _) if leads => Input::ShutDown, // It has led, and is done.
            (None, wait) => watch
                .recv_timeout(wait.unwrap_or(Duration::MAX))
                .map_or(Input::Tick, Input::Watched),
        };
    }
}
