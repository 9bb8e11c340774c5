//! `kubectl scale` to 7, 2, 1, 0 and 3: always at most one Goose, and the same one unless its own
//! pod has to go.

use anyhow::{Context, Result, ensure};
use observer::Goose;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, first) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    let mut last = Some(first);
    for replicas in [7, 2, 1, 0, 3] {
        let started = pond.observer.now();
        stage.kubectl(&format!("scale dgc/pond --replicas={replicas}")).await?;
        let goose = pond.observer.settled(replicas, stage::pond::SETTLING).await?;
        stage.figure(&format!("{replicas} pods, settled after"), pond.observer.now() - started);
        check(last.as_ref(), goose.as_ref(), replicas)?;
        last = goose.or(last);
    }
    pond.judge()?;
    Ok(())
}

fn check(last: Option<&Goose>, goose: Option<&Goose>, replicas: usize) -> Result<()> {
    let (Some(last), Some(goose)) = (last, goose) else { return Ok(()) };
    // A StatefulSet takes away the pods with the highest numbers, and has none of 0.
    if ordinal(last)? < replicas && goose.uid == last.uid {
        ensure!(goose.term == last.term, "wanted {last:?} to go on, found it anew: {goose:?}");
    } else {
        let stays = ordinal(last)? < replicas && replicas > 1 && replicas != 3;
        ensure!(!stays, "wanted {last:?} to be kept with {replicas} pods, found {goose:?}");
        ensure!(goose.term > last.term, "wanted a later term than of {last:?}, found {goose:?}");
    }
    Ok(())
}

fn ordinal(goose: &Goose) -> Result<usize> {
    let number = goose.pod.rsplit('-').next().and_then(|number| number.parse().ok());
    number.with_context(|| format!("wanted a number at the end of {}", goose.pod))
}
