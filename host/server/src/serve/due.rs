//! The host's clock in a server: one task that writes what falls due, until the server shuts down.

use std::time::Duration;

use lockgate_domain::Timestamp;
use lockgate_service::{DueRound, WeakDeploymentService};

use crate::process::Lifecycle;

/// The most entries of one round, so that a shutdown never waits long.
const AT_ONCE: usize = 100;
/// How often the task looks for new entries of the ledger, of this server and of others, that fall due sooner.
const LOOK: Duration = Duration::from_millis(500);
/// How long the task waits after the ledger could not be read or written.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Writes what falls due, at the times at which it is due, until the shutdown. After a downtime, what was missed is written first.
pub(super) async fn keep_due(service: WeakDeploymentService, lifecycle: Lifecycle) {
    let mut failing = false;
    loop {
        let weak = service.clone();
        let round = tokio::task::spawn_blocking(move || {
            let service = weak.upgrade()?;
            Some(service.write_due(AT_ONCE).map(|round| (wait_after(&round, service.now()), round)))
        });
        let wait = match round.await {
            Ok(None) => return,
            Ok(Some(Ok((wait, round)))) => {
                for item in &round.written {
                    let (what, deployment) = (item.mark.what.as_str(), item.deployment.as_deref());
                    tracing::info!(what, about = item.mark.about, deployment, due = %item.mark.due, "fell due");
                }
                failing = false;
                wait
            }
            Ok(Some(Err(error))) => {
                if !failing {
                    tracing::warn!(%error, "what has fallen due could not be recorded: trying again");
                }
                failing = true;
                AFTER_FAILURE
            }
            // A panic is in the log already.
            Err(_) => AFTER_FAILURE,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = lifecycle.stopping() => return,
        }
    }
}

/// How long to wait for the next round: until the next item is due, or a new entry may be due sooner. After a round that was full
/// of what this server wrote, the next one begins at once.
fn wait_after(round: &DueRound, now: Timestamp) -> Duration {
    let left = round.next.map(|next| next.as_millis().saturating_sub(now.as_millis()));
    match left.map(u64::try_from) {
        Some(Ok(left)) if left > 0 => LOOK.min(Duration::from_millis(left)),
        Some(_) if !round.written.is_empty() => Duration::ZERO,
        _ => LOOK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_round_begins_when_something_is_due_and_in_any_case_soon() {
        let item = |round: &mut DueRound| {
            round.written.push(lockgate_service::DueItem {
                mark: lockgate_service::DueMark {
                    due: Timestamp::default(),
                    what: lockgate_service::DueKind::StopExpired,
                    about: "stop-1".to_owned(),
                },
                message: String::new(),
                overdue: true,
                team: None,
                deployment: None,
                product: None,
                environment: None,
            });
        };
        let wait = |next: Option<i64>, wrote: bool| {
            let mut round = DueRound { next: next.map(Timestamp::from_millis), ..DueRound::default() };
            if wrote {
                item(&mut round);
            }
            wait_after(&round, Timestamp::from_millis(1_000))
        };
        assert_eq!(wait(None, false), LOOK);
        assert_eq!(wait(Some(1_100), false), Duration::from_millis(100));
        assert_eq!(wait(Some(9_000), true), LOOK);
        assert_eq!(wait(Some(900), true), Duration::ZERO, "the round was full");
        assert_eq!(wait(Some(900), false), LOOK, "another server writes it");
    }
}
