"""The rules: who approved, who rejected, and what follows."""

import json

from wit_world.exports.policy import Answer, Ruling_Abstain, Ruling_Allow, Ruling_Deny, Ruling_Require
from wit_world.imports.snapshot import Evaluation
from wit_world.imports.types import (
    ApprovalsNeeded,
    Change,
    ChangeCategory,
    Document,
    Need_Approvals,
    Obligation,
    Reason,
    Requirement,
    Scenario,
    Violation,
)

from .settings import Settings
from .standing import Standing


def decide(settings: Settings, evaluation: Evaluation) -> Answer:
    """May the deployment go on?"""
    if evaluation.scenario() == Scenario.REMOVAL:
        why = "what is removed is no new risk: another policy has to judge it"
        return Answer(Ruling_Abstain(), [Reason("removal-not-judged", why, "/scenario")], [])

    change = evaluation.change()
    standing = Standing.of(settings, evaluation)
    if standing.rejections:
        return Answer(Ruling_Deny([_violation(*rejection) for rejection in standing.rejections]), standing.void, [])

    needed = settings.needed(change.risk, change.category)
    counted = len(standing.people)
    print(f"{counted} of {needed} approvals at {change.risk.name.lower()} risk")
    if counted < needed:
        missing = _missing(settings, standing, needed - counted)
        return Answer(Ruling_Require([missing]), standing.void, [])

    obligations = []
    if change.category == ChangeCategory.EMERGENCY:
        obligations.append(_review(change, settings.normally(change.risk) - needed))
    return Answer(Ruling_Allow(), [_enough(standing.people, needed, change), *standing.void], obligations)


def _enough(people: list[str], needed: int, change: Change) -> Reason:
    risk = change.risk.name.lower()
    if needed == 0:
        return Reason("no-approval-needed", f"a {risk} risk needs no approval", "/change/risk")
    approvers = ", ".join(f"`{person}`" for person in people)
    return Reason("enough-approvals", f"approved by {approvers}; {needed} needed at {risk} risk", "/approvals")


def _missing(settings: Settings, standing: Standing, missing: int) -> Requirement:
    approvals, are = ("approval", "is") if missing == 1 else ("approvals", "are")
    role = "" if settings.role is None else f" in role `{settings.role}`"
    excluded = sorted({*standing.outsiders, *standing.people})
    need = ApprovalsNeeded(settings.role, missing, excluded, standing.subject)
    return Requirement("approvals-missing", f"{missing} {approvals}{role} {are} missing", Need_Approvals(need))


def _violation(index: int, person: str, role: str, comment: str | None, subject: str) -> Violation:
    said = "" if comment is None else f": “{comment}”"
    remedy = Requirement(
        "approval-after-rejection",
        f"`{person}` has to approve, or what is deployed has to change",
        Need_Approvals(ApprovalsNeeded(role, 1, [], subject)),
    )
    message = f"`{person}` rejected the deployment as `{role}`{said}"
    return Violation("rejected", message, person, f"/approvals/{index}", [remedy])


def _review(change: Change, waived: int) -> Obligation:
    details = json.dumps({"change": change.id, "waived": max(waived, 0)}, ensure_ascii=False, separators=(",", ":"))
    message = f"review the emergency change `{change.id}` after the deployment"
    return Obligation("review-afterwards", message, Document("urn:example:emergency-review:1", details))
