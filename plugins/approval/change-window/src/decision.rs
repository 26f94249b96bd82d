//! What is said about one deployment.
//!
//! At plan-and-approve the question is whether the planned window of the change is a good one; from fulfill on, whether
//! it is time now.
//!
//! An answer has every reason that holds, not just the first: a waiver may name the code of one of them, and must not let
//! the others through.

use jiff::fmt::strtime;
use lockgate_plugin::roles::CHANGE_AUTHORITY;
use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::{ChangeCategory, Stage};
use lockgate_plugin::{Answer, CorrectionNeeded, Evaluation, Finding, Need, Pointer, Requirement, TimeNeeded};

use crate::ChangeWindow;
use crate::calendar::{Calendar, HORIZON};
use crate::settings::Emergency;
use crate::span::Span;

/// A code and a message.
type Reason = (&'static str, String);

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
            None if policy.planned_window || evaluation.stage() == Stage::PlanAndApprove => {
                case.ends_before_it_begins(end, evaluation.stage())
            }
            _ => case.at_any_time(),
        },
        None if policy.planned_window => case.not_planned(evaluation.stage()),
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

/// Those who authorise changes schedule them too: they keep the windows, and can plan another one.
fn requirement(code: &str, message: String, need: impl Into<Need>) -> Requirement {
    Requirement::new(code, message, need).owner(CHANGE_AUTHORITY)
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
        let blackouts = self.calendar.blackouts_at(self.now);
        match (self.policy.emergency, blackouts.first()) {
            (Emergency::AsAnyOther, _) => None,
            (Emergency::DenyInBlackout, Some(longest)) => {
                let over = self.calendar.closed_until(self.now).unwrap_or(longest.span.end);
                let need = TimeNeeded::starting(Timestamp::from(over));
                let remedy = requirement("wait-for-end-of-blackout", format!("wait until {}", self.words(over)), need);
                Some(Answer::deny_all(blackouts.iter().map(|blackout| {
                    let message =
                        format!("the blackout “{}” is in force, and it holds for emergency changes too", blackout.name);
                    Finding::new("emergency-in-blackout", message).remedy(remedy.clone())
                })))
            }
            (Emergency::DenyInBlackout, None) => {
                allow("an emergency change need not wait for a window, and no blackout is in force")
            }
            (Emergency::Allow, _) => allow("an emergency change need not wait for a window"),
        }
    }

    /// Whether the planned window is open from beginning to end.
    fn plan(&self, window: Span) -> Answer {
        let mut reasons = Vec::new();
        if window.end <= self.now {
            reasons.push(self.over(window.end));
        }
        let unfit = |why: String| format!("the planned window of the change does not fit: {why}");
        // Longer than anything that is looked at.
        let longest = window.start.saturating_add(HORIZON * 86_400_000);
        let looked_at = Span { end: window.end.min(longest), ..window };
        if looked_at != window {
            reasons.push(("planned-window-closed", unfit(format!("it is longer than {HORIZON} days"))));
        }
        let windows = self.calendar.windows(looked_at, self.office);
        if windows != [looked_at] {
            let closed = match windows.first() {
                Some(first) if first.start == window.start => first.end,
                _ => window.start,
            };
            reasons.push((
                "planned-window-closed",
                unfit(format!("the change window is closed at {}", self.words(closed))),
            ));
        }
        for blackout in self.calendar.blackouts_in(looked_at) {
            let begins = self.words(blackout.span.start.max(window.start));
            let why = unfit(format!("the blackout “{}” is in force at {begins}", blackout.name));
            reasons.push(("planned-window-in-blackout", why));
        }
        if reasons.is_empty() {
            let (start, end) = (self.words(window.start), self.words(window.end));
            return Answer::allow()
                .because("planned-window-open", format!("the change window is open from {start} to {end}"));
        }
        self.replan(reasons)
    }

    /// Whether it is time, in the planned window and in one that is open.
    fn now_in(&self, window: Span) -> Answer {
        let mut closed = self.closed_now();
        if window.end <= self.now {
            closed.insert(0, self.over(window.end));
            return self.replan(closed);
        }
        if self.now < window.start {
            closed.push(("before-planned-window", "the planned window of the change has not begun".to_owned()));
        }
        let from = self.now.max(window.start);
        match self.calendar.next(from, self.office).and_then(|open| open.common(window)) {
            Some(open) if open.start == self.now => self.open(open.end),
            Some(open) => self.wait(open, closed),
            None => {
                let message =
                    format!("there is no opening before the planned window ends at {}", self.words(window.end));
                closed.insert(0, ("no-opening-in-planned-window", message));
                self.replan(closed)
            }
        }
    }

    /// Whether it is time, whatever the change planned.
    fn at_any_time(&self) -> Answer {
        let closed = self.closed_now();
        match self.calendar.next(self.now, self.office) {
            Some(open) if open.start == self.now => self.open(open.end),
            Some(open) => self.wait(open, closed),
            None => {
                let never = ("no-opening", self.never());
                Answer::deny_all([never].into_iter().chain(closed).map(|(code, why)| Finding::new(code, why)))
            }
        }
    }

    /// Why it is not open at this moment, whatever the change planned: each blackout that holds, and a closed window.
    fn closed_now(&self) -> Vec<Reason> {
        let blackouts = self.calendar.blackouts_at(self.now).into_iter();
        let mut reasons: Vec<Reason> =
            blackouts.map(|blackout| ("blackout", format!("the blackout “{}” is in force", blackout.name))).collect();
        if !self.calendar.in_window(self.now, self.office) {
            reasons.push(("window-closed", "the change window is closed".to_owned()));
        }
        reasons
    }

    fn never(&self) -> String {
        format!("there is no opening within the next {HORIZON} days")
    }

    fn open(&self, until: i64) -> Answer {
        let far = self.now.saturating_add(HORIZON * 86_400_000);
        let message = match until {
            until if until >= far => "the change window is open".to_owned(),
            until => format!("the change window is open until {}", self.words(until)),
        };
        Answer::allow().because("window-open", message)
    }

    /// It opens later, and until then all these reasons keep it closed.
    fn wait(&self, open: Span, closed: Vec<Reason>) -> Answer {
        let opens = self.words(open.start);
        let need = TimeNeeded::starting(Timestamp::from(open.start)).until(Timestamp::from(open.end));
        let wait = |(code, why)| requirement(code, format!("{why}; the next opening begins at {opens}"), need);
        Answer::require_all(closed.into_iter().map(wait))
    }

    fn over(&self, end: i64) -> Reason {
        ("planned-window-over", format!("the planned window of the change ended at {}", self.words(end)))
    }

    fn ends_before_it_begins(&self, end: i64, stage: Stage) -> Answer {
        let message = format!("the planned window of the change ends at {}, before it begins", self.words(end));
        let empty = ("planned-window-empty", message);
        self.replan([empty].into_iter().chain(self.closed_at(stage)).collect())
    }

    /// Why it is closed now, where that counts: while something is planned, the time does not.
    fn closed_at(&self, stage: Stage) -> Vec<Reason> {
        if stage == Stage::PlanAndApprove { Vec::new() } else { self.closed_now() }
    }

    /// The planned window is no good, for all these reasons: another one is needed.
    fn replan(&self, reasons: Vec<Reason>) -> Answer {
        let remedy = self.plan_window();
        Answer::deny_all(reasons.into_iter().map(|(code, message)| {
            let finding = Finding::new(code, message);
            // What keeps it closed now is no fault of the plan.
            if matches!(code, "blackout" | "window-closed" | "before-planned-window") {
                finding
            } else {
                finding.at(planned_window()).remedy(remedy.clone())
            }
        }))
    }

    fn not_planned(&self, stage: Stage) -> Answer {
        let (opens, need) = match self.calendar.next(self.now, self.office) {
            Some(open) => (
                format!("the next opening begins at {}", self.words(open.start)),
                TimeNeeded::starting(Timestamp::from(open.start)).until(Timestamp::from(open.end)),
            ),
            None => {
                let far = self.now.saturating_add(HORIZON * 86_400_000);
                (self.never(), TimeNeeded::starting(Timestamp::from(far)))
            }
        };
        let closed = self.closed_at(stage).into_iter();
        let closed = closed.map(|(code, why)| requirement(code, format!("{why}; {opens}"), need));
        Answer::require_all([self.plan_window()].into_iter().chain(closed))
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
        requirement("plan-window", message, CorrectionNeeded::new(planned_window(), expected))
    }
}
