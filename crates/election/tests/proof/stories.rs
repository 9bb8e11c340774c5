//! Stories: what happens, and what the members make of it, as text.
//!
//! `testdata/*.txt` holds one story a file, at least one a rule. After a
//! change that is meant to change them: `REWRITE=1 cargo test -p
//! duckduckgoose-election --test proof stories`, and read the difference.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::world::network::Network;
use crate::world::node::{Link, Power, uid_of};
use crate::world::{World, in_words};
use datadriven::{TestCase, TestFile, walk};
use duckduckgoose_election::lease::{HandOverOrder, Orders, RECORD, STAMP};
use duckduckgoose_election::member::Input;
use duckduckgoose_election::mutation::Mutation;
use duckduckgoose_election::timing::Timing;

#[test]
fn every_story_goes_as_it_is_told() {
    walk("testdata", |file| play(file, None));
}

/// Whether this story goes otherwise when this rule is broken.
pub fn goes_otherwise(story: &str, mutation: Mutation) -> bool {
    let file = format!("testdata/{story}.txt");
    assert!(std::path::Path::new(&file).exists(), "there is no story {story}");
    std::panic::catch_unwind(|| walk(&file, |file| play(file, Some(mutation)))).is_err()
}

fn play(file: &mut TestFile, mutation: Option<Mutation>) {
    let mut stage = Stage { mutation, ..Stage::default() };
    file.run(|case| stage.play(case));
}

#[derive(Default)]
struct Stage {
    world: Option<World>,
    copies: BTreeMap<String, BTreeMap<String, String>>,
    mutation: Option<Mutation>,
}

impl Stage {
    /// Plays one command and tells what it led to.
    fn play(&mut self, case: &TestCase) -> String {
        let mutation = self.mutation;
        let world = self.world.get_or_insert_with(|| World::with(Network::steady(), mutation));
        let pod = argument(case, "pod").unwrap_or_default();
        match case.directive.as_str() {
            "start" => {
                for (index, pod) in arguments(case, "pods").iter().enumerate() {
                    world.start(pod, index as u16 * 100);
                }
                world.run(millis(20));
            }
            "operator" => {
                let longest = argument(case, "longest").map_or(millis(6000), span);
                world.keep(orders(world, case), longest);
                world.run(millis(20));
            }
            "no-operator" => world.keeper = None,
            "run" => world.run(wanted(case, "for", span)),
            "roles" => {}
            "cut" => world.node(pod).link = link(arguments(case, "lost")),
            "heal" => world.heal(pod),
            "gap" => world.lose_watch(pod),
            "freeze" => world.freeze(pod, Power::Awake),
            "sleep" => world.freeze(pod, Power::Asleep),
            "stop-machine" => world.freeze(pod, Power::Stopped),
            "thaw" => world.thaw(pod),
            "lose" => {
                world.lose(pod);
            }
            "kill" => world.kill(pod, wanted(case, "notice", span)),
            "operator-gap" => world.keeper_loses_watch(),
            "hand-over" => world.ask(pod, Input::HandOver),
            "shut-down" => world.ask(pod, Input::ShutDown),
            "promise" => {
                let granted = world.promise(pod, wanted(case, "for", span));
                return format!("{}\n", if granted { "granted" } else { "not granted" });
            }
            "wall" => {
                world.node(pod).clocks.wall_ahead = wanted(case, "ahead", span).as_millis() as i64
            }
            "rates" => {
                let (slew, drift) = (wanted(case, "slew", number), wanted(case, "drift", number));
                let time = world.time;
                world.node(pod).clocks.set_rates(time, slew, drift);
            }
            "delete" => {
                world.server.delete();
                world.server_changed();
            }
            "save" => {
                let object = world.server.object.clone().expect("there is a Lease to save");
                let name = wanted(case, "copy", str::to_owned);
                self.copies.insert(name, object.annotations);
            }
            "restore" => {
                let copy = self.copies[&wanted(case, "copy", str::to_owned)].clone();
                match world.server.object {
                    Some(_) => world.server.overwrite(copy),
                    None => world.server.create(copy),
                }
                world.server_changed();
            }
            "edit" => {
                let object = world.server.object.clone().expect("there is a Lease to edit");
                let mut annotations = object.annotations;
                annotations.insert(RECORD.to_owned(), case.input.trim().to_owned());
                world.server.overwrite(annotations);
                world.server_changed();
            }
            "strip-stamp" => {
                let object = world.server.object.clone().expect("there is a Lease to strip");
                let mut annotations = object.annotations;
                annotations.remove(STAMP);
                world.server.overwrite(annotations);
                world.server_changed();
            }
            // It writes `spec` alone, and keeps the annotations that it finds.
            "client-go-writes" => {
                match world.server.object.clone() {
                    Some(object) => world.server.overwrite(object.annotations),
                    None => world.server.create(BTreeMap::new()),
                }
                world.server_changed();
            }
            "lease" => {
                let object = world.server.object.as_ref().expect("there is a Lease");
                let record = object.annotations.get(RECORD).map_or("no record", String::as_str);
                return format!("version {}: {record}\n", object.version);
            }
            other => panic!("{other} is no command of a story"),
        }
        tell(world, case.directive == "roles" || case.directive == "run")
    }
}

/// What was logged, and the roles where they are asked for.
fn tell(world: &mut World, with_roles: bool) -> String {
    let mut told: String = world.log.drain(..).map(|line| line + "\n").collect();
    if with_roles {
        for node in world.nodes.values() {
            let role = in_words(node.role(world.time));
            let now = node.reading(world.time);
            let reason = node.member.view(&now).reason;
            let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            told += &format!("{}: {role}{reason}\n", node.name);
        }
    }
    if told.is_empty() { "ok\n".to_owned() } else { told }
}

fn orders(world: &World, case: &TestCase) -> Orders {
    let uids = |key| arguments(case, key).iter().map(|pod| uid_of(pod)).collect();
    let term = world.server.object.as_ref().and_then(|object| object.lease().record.ok());
    let timing = argument(case, "lease").map(|lease| {
        Timing::new(span(lease), argument(case, "renewal").map_or(millis(2000), span)).unwrap()
    });
    Orders {
        timing,
        successors: uids("successors"),
        paused: case.args.contains_key("paused"),
        fenced: uids("fenced"),
        handover: argument(case, "handover")
            .map(|pod| HandOverOrder { to: uid_of(pod), term: term.map_or(0, |r| r.term) }),
    }
}

fn argument<'a>(case: &'a TestCase, key: &str) -> Option<&'a str> {
    arguments(case, key).first().map(String::as_str)
}

fn arguments<'a>(case: &'a TestCase, key: &str) -> &'a [String] {
    case.args.get(key).map(Vec::as_slice).unwrap_or_default()
}

fn wanted<T>(case: &TestCase, key: &str, read: impl FnOnce(&str) -> T) -> T {
    read(argument(case, key).unwrap_or_else(|| panic!("{} wants {key}=", case.directive)))
}

fn number(text: &str) -> u32 {
    text.parse().expect("a number")
}

fn link(broken: &[String]) -> Link {
    let has = |what: &str| broken.is_empty() || broken.iter().any(|word| word == what);
    Link {
        requests_lost: has("requests"),
        answers_lost: has("answers"),
        watch_silent: has("watch"),
    }
}

/// `6s`, `500ms`.
fn span(text: &str) -> Duration {
    match text.strip_suffix("ms") {
        Some(number) => millis(number.parse().unwrap()),
        None => millis(1000 * text.strip_suffix('s').expect("a span").parse::<u64>().unwrap()),
    }
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}
