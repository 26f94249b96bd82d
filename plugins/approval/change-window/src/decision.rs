//! What is said about one deployment.
//!
//! At plan-and-approve the question is whether the planned window of the change is a good one; from fulfill on, whether
//! it is time now.

use jiff::fmt::strtime;
use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{ChangeCategory, Stage};
use lockgate_plugin::{Answer, CorrectionNeeded, Evaluation, Need, Pointer, Requirement, TimeNeeded, Violation};

use crate::ChangeWindow;
use crate::calendar::{Calendar, HORIZON};
use crate::settings::Emergency;
use crate::span::Span;

/// Answers.
pub(crate) fn decide(policy: &ChangeWindow, evaluation: &Evaluation) -> Answer {
    let change = evaluation.change();
    let case = Case {
        policy,
        calendar: &policy.calendar,
        now: evaluation.now().as_millis(),
        office: evaluation.plan().is_some_and(|plan| plan.office_hours_exception),
    };
    if change.category == ChangeCategory::Emergency
        && let Some(answer) = case.emergency()
    {
        return answer;
    }
    let planned = change.window.map(|window| (window.start, window.end));
    match planned {
        Some((start, end)) => match Span::new(start, end) {
            Some(window) if evaluation.stage() == Stage::PlanAndApprove => case.plan(window),
            Some(window) if policy.planned_window => case.now_in(window),
            None if policy.planned_window => case.ends_before_it_begins(end),
            _ => case.at_any_time(),
        },
        None if policy.planned_window => case.not_planned(),
        None if evaluation.stage() == Stage::PlanAndApprove => {
            Answer::abstain().because("no-planned-window", "the change has no planned window to be looked at")
        }
        None => case.at_any_time(),
    }
}

/// The place of the planned window.
fn planned_window() -> Pointer {
    Pointer::root().key("change").key("window")
}

/// One deployment.
struct Case<'a> {
    policy: &'a ChangeWindow,
    calendar: &'a Calendar,
    now: i64,
    office: bool,
}

impl Case<'_> {
    /// The moment, in UTC and as the clock on the wall shows it.
    fn words(&self, moment: i64) -> String {
        let wall = self.calendar.zone.wall_clock(moment);
        let wall = strtime::format("%a %Y-%m-%d %H:%M", wall).unwrap_or_else(|_| wall.to_string());
        format!("{} ({wall} in {})", Timestamp::from(moment), self.calendar.zone.name())
    }

    /// What is said of an emergency change; none if it has to keep to the windows.
    fn emergency(&self) -> Option<Answer> {
        let allow = |message| Some(Answer::allow().because("emergency", message));
        match (self.policy.emergency, self.calendar.blackout(self.now)) {
            (Emergency::AsAnyOther, _) => None,
            (Emergency::DenyInBlackout, Some(blackout)) => {
                let over = self.calendar.closed_until(self.now).unwrap_or(blackout.span.end);
                let message = format!("not even an emergency change is deployed in the blackout “{}”", blackout.name);
                Some(Answer::deny(Violation::new("emergency-in-blackout", message).remedy(Requirement::new(
                    "wait-for-end-of-blackout",
                    format!("wait until {}", self.words(over)),
                    TimeNeeded::starting(Timestamp::from(over)),
                ))))
            }
            (Emergency::DenyInBlackout, None) => {
                allow("an emergency change waits for no window, and this is no blackout")
            }
            (Emergency::Allow, _) => allow("an emergency change waits for no window"),
        }
    }

    /// Whether the planned window is open from beginning to end.
    fn plan(&self, window: Span) -> Answer {
        if window.end <= self.now {
            return self.over(window.end);
        }
        let length = window.end.saturating_sub(window.start);
        let open = if length > HORIZON * 86_400_000 { Vec::new() } else { self.calendar.open(window, self.office) };
        if open == [window] {
            let (start, end) = (self.words(window.start), self.words(window.end));
            return Answer::allow().because("planned-window-open", format!("it is open from {start} to {end}"));
        }
        let closed = match open.first() {
            Some(first) if first.start == window.start => first.end,
            _ => window.start,
        };
        let why = match self.calendar.blackout(closed) {
            Some(blackout) => format!("the blackout “{}” holds at {}", blackout.name, self.words(closed)),
            None => format!("it is closed at {}", self.words(closed)),
        };
        self.replan("planned-window-closed", format!("the planned window of the change does not fit: {why}"))
    }

    /// Whether it is time, in the planned window and in one that is open.
    fn now_in(&self, window: Span) -> Answer {
        if window.end <= self.now {
            return self.over(window.end);
        }
        let from = self.now.max(window.start);
        match self.calendar.next(from, self.office).and_then(|open| open.common(window)) {
            Some(open) if open.start == self.now => self.open(open.end),
            Some(open) => self.wait(open, Some(window)),
            None => {
                let message = format!("it never opens before the planned window ends at {}", self.words(window.end));
                self.replan("no-opening-in-planned-window", message)
            }
        }
    }

    /// Whether it is time, whatever the change planned.
    fn at_any_time(&self) -> Answer {
        match self.calendar.next(self.now, self.office) {
            Some(open) if open.start == self.now => self.open(open.end),
            Some(open) => self.wait(open, None),
            None => Answer::deny(Violation::new("no-opening", self.never())),
        }
    }

    fn never(&self) -> String {
        format!("it does not open within the next {HORIZON} days")
    }

    fn open(&self, until: i64) -> Answer {
        let far = self.now.saturating_add(HORIZON * 86_400_000);
        let message = match until {
            until if until >= far => "it is open".to_owned(),
            until => format!("it is open until {}", self.words(until)),
        };
        Answer::allow().because("window-open", message)
    }

    fn wait(&self, open: Span, planned: Option<Span>) -> Answer {
        let opens = self.words(open.start);
        let (code, why) = match (self.calendar.blackout(self.now), planned) {
            (Some(blackout), _) => ("blackout", format!("the blackout “{}” holds", blackout.name)),
            (None, Some(planned)) if self.now < planned.start => {
                ("before-planned-window", "the planned window of the change has not begun".to_owned())
            }
            _ => ("window-closed", "the change window is closed".to_owned()),
        };
        let need = TimeNeeded::starting(Timestamp::from(open.start)).until(Timestamp::from(open.end));
        Answer::require(Requirement::new(code, format!("{why}; it opens {opens}"), need))
    }

    fn over(&self, end: i64) -> Answer {
        self.replan("planned-window-over", format!("the planned window of the change ended at {}", self.words(end)))
    }

    fn ends_before_it_begins(&self, end: i64) -> Answer {
        let message = format!("the planned window of the change ends at {}, before it begins", self.words(end));
        self.replan("planned-window-empty", message)
    }

    /// The planned window is no good: another one is needed.
    fn replan(&self, code: &str, message: String) -> Answer {
        Answer::deny(Violation::new(code, message).at(planned_window()).remedy(self.plan_window()))
    }

    fn not_planned(&self) -> Answer {
        Answer::require(self.plan_window())
    }

    /// What a good planned window would be.
    fn plan_window(&self) -> Requirement {
        let expected = match self.calendar.next(self.now, self.office) {
            Some(open) => format!(
                "a window within an opening; the next is from {} to {}",
                self.words(open.start),
                self.words(open.end)
            ),
            None => format!("a window within an opening; {}", self.never()),
        };
        let message = format!("plan {expected}");
        Requirement::new("plan-window", message, Need::Correction(CorrectionNeeded::new(planned_window(), expected)))
    }
}
