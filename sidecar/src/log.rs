//! The log: JSON, one line for each event that a person on call needs.

use api::names::operator_env::LOG_LEVEL;
use election::driver::Event;
use election::member::{Cause, Role};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::standing::Standing;

/// Logs from here on, at the level that the environment asks for.
pub fn start() {
    let asked = std::env::var(LOG_LEVEL).ok().filter(|level| !level.is_empty());
    let level = asked.as_deref().map_or(Ok(LevelFilter::INFO), str::parse);
    // Libraries report each retry; that something fails is said here, once.
    let levels = Targets::new().with_target("duckgoose", level.unwrap_or(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    tracing_subscriber::registry().with(levels).with(lines).init();
    if let Some(unknown) = asked.filter(|asked| asked.parse::<LevelFilter>().is_err()) {
        tracing::warn!("wanted error, warn, info or debug in {LOG_LEVEL}, found {unknown:?}: info");
    }
}

/// Logs what happens to this member.
pub fn follow(standing: &Standing) {
    if let Standing::Member { elector, .. } = standing {
        tracing::info!(incarnation = %elector.me(), "takes part in the election");
        tokio::spawn(write_each(elector.events()));
    }
}

async fn write_each(mut events: Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(event) => write(event),
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "events were not logged"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn write(event: Event) {
    match event {
        Event::Became(Role::Goose { term }, cause) => {
            tracing::info!(term, cause = in_words(cause), "became the Goose");
        }
        Event::Became(Role::Duck, cause) if is_on_purpose(cause) => {
            tracing::info!(cause = in_words(cause), "became a Duck");
        }
        Event::Became(Role::Duck, cause) => {
            tracing::warn!(cause = in_words(cause), "became a Duck");
        }
        Event::Leads { goose, term } => {
            let goose = goose.as_ref().map_or("nobody", |goose| goose.pod());
            tracing::debug!(goose, term, "who leads");
        }
        Event::Written(took) => tracing::debug!(ms = took.as_millis() as u64, "wrote the Lease"),
        Event::WriteFailed(failure) => tracing::debug!(?failure, "could not write the Lease"),
        Event::Trouble(trouble) => tracing::warn!("{trouble}"),
        Event::Mended => tracing::info!("the API server can be read and written again"),
    }
}

fn is_on_purpose(cause: Cause) -> bool {
    matches!(cause, Cause::HandOverOrdered | Cause::HandOverAsked | Cause::Fenced | Cause::ShutDown)
}

/// Why a role changed, for people.
pub fn in_words(cause: Cause) -> &'static str {
    match cause {
        Cause::TookFree => "took a Lease that was released",
        Cause::TookOver => "took a Lease that it had waited out",
        Cause::TookOwn => "took its own Lease again",
        Cause::AppliedLate => "a write whose answer was lost turned out to be applied",
        Cause::Deadline => "could not renew in time",
        Cause::ClockSuspected => "the wall clock jumped, which may have been a freeze",
        Cause::Superseded => "the Lease names somebody else, or nobody",
        Cause::HandOverOrdered => "the operator ordered it to hand over",
        Cause::HandOverAsked => "the workload gave the role up",
        Cause::Fenced => "the operator fenced this pod",
        Cause::ShutDown => "the process is ending",
    }
}
