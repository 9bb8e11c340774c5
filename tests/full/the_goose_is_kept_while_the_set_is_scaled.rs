//! `kubectl scale` to 7, 2, 1, 0 and 3: always at most one Goose, and the same one unless its own
//! pod has to go.

use anyhow::{Context, Result, ensure};
use observer::Goose;
use stage::{Stage, Wanted};

pub async fn test(stage: &Stage) -> Result<()> {
    let (pond, mut last) = stage.pond(&Wanted::pods(3).with_default_lease()).await?;
    for (from, to) in [(3, 7), (7, 2), (2, 1), (1, 0), (0, 3)] {
        let told = pond.observer.now();
        stage.kubectl(&format!("scale dgc/pond --replicas={to}")).await?;
        let goose = pond.observer.settled(to, stage::pond::SETTLING).await?;
        stage.figure(
            &format!("from {from} to {to} pods, settled after"),
            pond.observer.now() - told,
        );

        // A StatefulSet takes away the pods with the highest numbers.
        let keeps_its_pod = ordinal(&last)? < from.min(to);
        let Some(goose) = goose else { continue };
        if keeps_its_pod {
            ensure!(goose.term == last.term, "wanted {last:?} to go on, found {goose:?}");
        } else {
            ensure!(goose.term > last.term, "wanted another than {last:?}, found {goose:?}");
        }
        last = goose;
    }
    pond.judge()?;
    Ok(())
}

fn ordinal(goose: &Goose) -> Result<usize> {
    let number = goose.pod.rsplit('-').next().and_then(|number| number.parse().ok());
    number.with_context(|| format!("wanted a number at the end of {}", goose.pod))
}
