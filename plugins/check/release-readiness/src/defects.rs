//! The known defects: all in the release notes, and none worse than what the settings bear.

use lockgate_plugin::types::{Defect, DefectStatus, Severity};
use lockgate_plugin::{Evaluation, Finding, Pointer};

use crate::{ReleaseReadiness, wrong};

/// What is wrong with the release notes and the defects that are still in the release.
pub(crate) fn findings(settings: &ReleaseReadiness, evaluation: &Evaluation) -> Vec<Finding> {
    let release = Pointer::root().key("release");
    let defects = evaluation.defects();
    let still_there = defects.iter().enumerate().filter(|(_, defect)| defect.status != DefectStatus::Fixed);
    let severe = still_there.clone().filter_map(|(index, defect)| {
        too_severe(settings, defect, &release.key("defects").index(index).key("severity"))
    });
    let notes = release.key("notes");
    let Some(release_notes) = evaluation.release_notes() else {
        let finding = Finding::new("release-notes-missing", "there are no release notes");
        let missing = wrong(Severity::High, finding, &notes, "release notes that list every known defect", None);
        return std::iter::once(missing).chain(severe).collect();
    };
    let unlisted = still_there.clone().filter(|(_, defect)| !release_notes.defects.contains(&defect.id));
    let unlisted = unlisted.map(|(_, Defect { id, title, status, .. })| {
        let message = format!("the release notes do not list {} defect `{id}` ({title})", article(*status));
        let finding = Finding::new("defect-not-in-notes", message).about(id);
        wrong(Severity::Medium, finding, &notes.key("defects"), &format!("`{id}` among the defects"), None)
    });
    unlisted.chain(severe).collect()
}

fn article(status: DefectStatus) -> &'static str {
    match status {
        DefectStatus::Open => "the open",
        DefectStatus::Accepted => "the accepted",
        DefectStatus::Fixed => "the fixed",
    }
}

fn too_severe(settings: &ReleaseReadiness, defect: &Defect, place: &Pointer) -> Option<Finding> {
    let worst = match defect.status {
        DefectStatus::Open => settings.worst_open_defect,
        DefectStatus::Accepted => settings.worst_accepted_defect,
        DefectStatus::Fixed => None,
    }?;
    if defect.severity <= worst {
        return None;
    }
    let Defect { id, title, severity, status } = defect;
    let (severity, status, worst) = (severity.word(), status.word(), worst.word());
    let message =
        format!("defect `{id}` ({title}) is {status} with severity {severity}; the worst severity allowed is {worst}");
    let finding = Finding::new("defect-too-severe", message).about(id);
    let expected = format!("a severity of {worst} or less, or the status fixed");
    Some(wrong(defect.severity, finding, place, &expected, Some(severity)))
}
