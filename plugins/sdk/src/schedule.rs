//! Where a deployment stands, and when it is carried out.

use crate::Evaluation;
use crate::time::Timestamp;
use crate::types::{Phase, Stage, TimeWindow};

impl Evaluation<'_> {
    /// Whether the gate is this one or a later one. An analysis in a rollout stands at the exit of fulfill.
    ///
    /// ```
    /// use lockgate_plugin::testing::Fixture;
    /// use lockgate_plugin::types::{Phase, Stage};
    ///
    /// let fixture = Fixture::new().gate(Stage::Fulfill, Phase::Entrance);
    /// assert!(fixture.evaluation().has_reached(Stage::PlanAndApprove, Phase::Exit));
    /// assert!(!fixture.evaluation().has_reached(Stage::Fulfill, Phase::Exit));
    /// ```
    pub fn has_reached(&self, stage: Stage, phase: Phase) -> bool {
        (self.stage(), self.phase()) >= (stage, phase)
    }

    /// The slot that the plan has booked. None if there is no plan yet, or it has booked none.
    pub fn slot(&self) -> Option<TimeWindow> {
        self.plan().and_then(|plan| plan.slot)
    }

    /// The time in which the deployment is carried out, as far as it lies ahead. At plan-and-approve it is the slot. From
    /// fulfill on it begins now and ends with the slot, or at once if the slot is over. Without a slot it is this moment.
    pub fn working_time(&self) -> TimeWindow {
        match self.slot() {
            Some(slot) if self.stage() == Stage::PlanAndApprove => slot,
            slot => {
                let now = self.now();
                let end = slot.map_or(now, |slot| now.max(Timestamp::from(slot.end)));
                TimeWindow::new(now, end)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fixture;

    const GATES: [(Stage, Phase); 8] = [
        (Stage::PlanAndApprove, Phase::Entrance),
        (Stage::PlanAndApprove, Phase::Exit),
        (Stage::Fulfill, Phase::Entrance),
        (Stage::Fulfill, Phase::Exit),
        (Stage::Validate, Phase::Entrance),
        (Stage::Validate, Phase::Exit),
        (Stage::Observe, Phase::Entrance),
        (Stage::Observe, Phase::Exit),
    ];

    #[test]
    fn gates_are_reached_in_the_order_of_the_value_stream() {
        for (here, (stage, phase)) in GATES.into_iter().enumerate() {
            let fixture = Fixture::new().gate(stage, phase);
            for (there, (stage, phase)) in GATES.into_iter().enumerate() {
                assert_eq!(fixture.evaluation().has_reached(stage, phase), here >= there);
            }
        }
    }

    #[test]
    fn the_working_time_is_what_is_left_of_the_slot() {
        let at = Fixture::moment;
        let (noon, eight, ten) = (at("2026-11-24T12:00:00Z"), at("2026-11-24T20:00:00Z"), at("2026-11-24T22:00:00Z"));
        let working_time = |stage, now, slot: Option<TimeWindow>| {
            let mut fixture = Fixture::new().gate(stage, Phase::Entrance);
            fixture.now = now;
            fixture.plan = Some(crate::types::Plan { slot, ..Fixture::plan("P-1") });
            fixture.evaluation().working_time()
        };
        let slot = Some(TimeWindow::new(eight, ten));
        let now = |now| TimeWindow::new(now, now);
        assert_eq!(working_time(Stage::PlanAndApprove, noon, slot), TimeWindow::new(eight, ten));
        assert_eq!(working_time(Stage::PlanAndApprove, noon, None), now(noon));
        assert_eq!(working_time(Stage::Fulfill, noon, slot), TimeWindow::new(noon, ten));
        assert_eq!(working_time(Stage::Validate, ten, slot), now(ten));
        assert_eq!(working_time(Stage::Observe, noon, None), now(noon));
    }
}
