//! Finds out whether the workload of the Goose is well, and gives the role away
//! where it is not.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::Method;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::request::send;
use super::settings::{FreshFile, HealthCheck, HttpGet, WhenIll};
use super::{Role, Workload, give_away};

/// Watches over the workload while its pod leads.
pub struct Watch {
    role: Arc<dyn Role>,
    workload: Arc<Workload>,
    check: HealthCheck,
    failures: u32,
    /// A look at a file that has not come back yet: the volume may hang.
    looking: Option<JoinHandle<Result<(), String>>>,
}

impl Watch {
    /// Has not looked yet.
    pub fn new(role: Arc<dyn Role>, workload: Arc<Workload>, check: HealthCheck) -> Watch {
        Watch { role, workload, check, failures: 0, looking: None }
    }

    /// Looks again and again. Never returns.
    pub async fn run(mut self) {
        loop {
            sleep(self.check.period).await;
            // A Duck is ill for itself: who is ready and who is not, Kubernetes knows.
            let found = if self.role.leads() { self.look().await } else { Ok(()) };
            self.judge(found);
        }
    }

    async fn look(&mut self) -> Result<(), String> {
        let limit = self.check.period.max(SHORTEST_LIMIT);
        if let Some(get) = &self.check.http_get {
            return ask(get, limit).await;
        }
        let Some(file) = self.check.file.clone() else { return Ok(()) };
        let mut looking =
            self.looking.take().unwrap_or_else(|| spawn_blocking(move || look_at(&file)));
        match timeout(limit, &mut looking).await {
            Ok(found) => found.unwrap_or_else(|error| Err(error.to_string())),
            Err(_) => {
                self.looking = Some(looking);
                Err("its file cannot be looked at: the volume hangs".to_owned())
            }
        }
    }

    fn judge(&mut self, found: Result<(), String>) {
        self.failures = if found.is_ok() { 0 } else { self.failures.saturating_add(1) };
        let ill = found.err().filter(|_| self.failures >= self.check.failure_threshold);
        let is_ill = ill.is_some();
        if self.workload.falls_ill(ill.clone()) {
            // In the words of the beginning: those that tell an age would be news each time.
            self.role.report_illness(ill.clone());
            match ill {
                Some(why) => tracing::warn!(why, "the workload is ill"),
                None => tracing::info!("the workload is well, or its pod does not lead any more"),
            }
        }
        if is_ill
            && self.check.when_ill == WhenIll::HandOver
            && give_away(self.role.as_ref(), &self.workload)
        {
            tracing::warn!("hands over because the workload is ill");
        }
    }
}

async fn ask(get: &HttpGet, limit: Duration) -> Result<(), String> {
    match send(Method::GET, get.port, &get.path, String::new(), limit).await {
        Ok(status) if status.is_success() || status.is_redirection() => Ok(()),
        Ok(status) => Err(format!("it answers {status}")),
        Err(error) => Err(error.to_string()),
    }
}

fn look_at(file: &FreshFile) -> Result<(), String> {
    let touched = fs::metadata(&file.path).and_then(|it| it.modified());
    let touched = touched.map_err(|error| format!("its file cannot be looked at: {error}"))?;
    // One from the future is fresh.
    let age = SystemTime::now().duration_since(touched).unwrap_or_default();
    if age <= file.max_age { Ok(()) } else { Err(format!("its file is {} s old", age.as_secs())) }
}

/// A workload that is busy deserves that long, however often it is asked.
const SHORTEST_LIMIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Leads for ever, beside another that is ready or not.
    #[derive(Default)]
    struct Fake {
        successor: bool,
        handed_over: AtomicUsize,
        reported: Mutex<Vec<Option<String>>>,
    }

    impl Role for Fake {
        fn leads(&self) -> bool {
            true
        }
        fn lease_left(&self) -> Duration {
            Duration::ZERO
        }
        fn has_successor(&self) -> bool {
            self.successor
        }
        fn hand_over(&self) {
            self.handed_over.fetch_add(1, Ordering::Relaxed);
        }
        fn permit_release(&self, _: u64) {}
        fn report_illness(&self, why: Option<String>) {
            self.reported.lock().unwrap().push(why);
        }
    }

    fn watch(successor: bool, when_ill: WhenIll) -> (Watch, Arc<Fake>) {
        let role = Arc::new(Fake { successor, ..Fake::default() });
        let check = HealthCheck {
            http_get: None,
            file: None,
            period: Duration::from_secs(1),
            failure_threshold: 3,
            when_ill,
        };
        (Watch::new(role.clone(), Arc::default(), check), role)
    }

    fn fails(watch: &mut Watch, times: usize) {
        (0..times).for_each(|_| watch.judge(Err("it answers 500".to_owned())));
    }

    #[tokio::test]
    async fn the_role_is_given_away_at_the_threshold_and_then_not_too_soon_again() {
        let (mut watch, role) = watch(true, WhenIll::HandOver);
        fails(&mut watch, 2);
        watch.judge(Ok(()));
        fails(&mut watch, 2);
        assert_eq!((watch.workload.ill(), role.handed_over.load(Ordering::Relaxed)), (None, 0));
        fails(&mut watch, 1);
        assert_eq!(watch.workload.ill().as_deref(), Some("it answers 500"));
        fails(&mut watch, 5);
        assert_eq!(role.handed_over.load(Ordering::Relaxed), 1);
        watch.judge(Ok(()));
        assert_eq!(watch.workload.ill(), None);
    }

    #[tokio::test]
    async fn it_is_kept_and_told_where_nobody_is_ready_or_that_is_wanted() {
        for (successor, when_ill) in [(false, WhenIll::HandOver), (true, WhenIll::Report)] {
            let (mut watch, role) = watch(successor, when_ill);
            fails(&mut watch, 9);
            assert!(watch.workload.ill().is_some());
            assert_eq!(role.handed_over.load(Ordering::Relaxed), 0);
        }
    }

    #[tokio::test]
    async fn an_illness_is_reported_once_and_its_end_once() {
        let (mut watch, role) = watch(false, WhenIll::HandOver);
        fails(&mut watch, 3);
        watch.judge(Err("it answers 503".to_owned()));
        watch.judge(Ok(()));
        watch.judge(Ok(()));
        let reported = role.reported.lock().unwrap();
        assert_eq!(*reported, [Some("it answers 500".to_owned()), None]);
    }

    #[test]
    fn a_file_is_fresh_until_its_age() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let at_most = |seconds| {
            let max_age = Duration::from_secs(seconds);
            look_at(&FreshFile { path: file.path().to_owned(), max_age })
        };
        assert_eq!(at_most(10), Ok(()));
        file.as_file().set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        assert_eq!(at_most(10), Err("its file is 60 s old".to_owned()));
        assert_eq!(at_most(61), Ok(()));
        fs::remove_file(file.path()).unwrap();
        assert!(at_most(10).unwrap_err().contains("cannot be looked at"));
    }
}
