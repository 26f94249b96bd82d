"""The rules: who approved, who rejected, and what follows."""

import json

from wit_world.exports.policy import Answer, Verdict
from wit_world.imports.snapshot import Evaluation
from wit_world.imports.types import (
    ApprovalsNeeded,
    Change,
    ChangeCategory,
    Document,
    Finding,
    Need_Approvals,
    Obligation,
    Reason,
    Requirement,
    Scenario,
    Severity,
)

from .settings import Settings
from .standing import Standing, reason


def decide(settings: Settings, evaluation: Evaluation) -> Answer:
    """May the deployment go on?"""
    if evaluation.scenario() == Scenario.REMOVAL:
        why = "what is removed is no new risk: another policy has to judge it"
        return Answer(Verdict.ABSTAIN, [], [], [reason("removal-not-judged", why, "/scenario")], [])

    change = evaluation.change()
    standing = Standing.of(settings, evaluation)
    if standing.rejections:
        findings = [_finding(*rejection) for rejection in standing.rejections]
        return Answer(Verdict.DENY, findings, [], standing.void, [])

    needed = settings.needed(change.risk, change.category)
    counted = len(standing.people)
    print(f"{counted} of {needed} approvals at {change.risk.name.lower()} risk")
    if counted < needed:
        missing = _missing(settings, standing, needed - counted)
        return Answer(Verdict.REQUIRE, [], [missing], standing.void, [])

    obligations = []
    if change.category == ChangeCategory.EMERGENCY:
        obligations.append(_review(change, settings.normally(change.risk) - needed))
    reasons = [_enough(standing.people, needed, change), *standing.void]
    return Answer(Verdict.ALLOW, [], [], reasons, obligations)


def _enough(people: list[str], needed: int, change: Change) -> Reason:
    risk = change.risk.name.lower()
    if needed == 0:
        return reason("no-approval-needed", f"a {risk} risk needs no approval", "/change/risk")
    approvers = ", ".join(f"`{person}`" for person in people)
    return reason("enough-approvals", f"approved by {approvers}; {needed} needed at {risk} risk", "/approvals")


def _missing(settings: Settings, standing: Standing, missing: int) -> Requirement:
    approvals, are = ("approval", "is") if missing == 1 else ("approvals", "are")
    role = "" if settings.role is None else f" in role `{settings.role}`"
    excluded = sorted({*standing.outsiders, *standing.people})
    roles = [] if settings.role is None else [settings.role]
    need = ApprovalsNeeded(roles, None, missing, excluded, standing.subject)
    message = f"{missing} {approvals}{role} {are} missing"
    return Requirement("approvals-missing", message, 0, None, Need_Approvals(need))


def _finding(index: int, person: str, role: str, comment: str | None, subject: str) -> Finding:
    said = "" if comment is None else f": “{comment}”"
    remedy = Requirement(
        "approval-after-rejection",
        f"`{person}` has to approve, or what is deployed has to change",
        0,
        None,
        Need_Approvals(ApprovalsNeeded([role], None, 1, [], subject)),
    )
    message = f"`{person}` rejected the deployment as `{role}`{said}"
    return Finding(Severity.HIGH, "rejected", message, person, [f"/approvals/{index}"], [remedy], [], None)


def _review(change: Change, waived: int) -> Obligation:
    details = json.dumps({"change": change.id, "waived": max(waived, 0)}, ensure_ascii=False, separators=(",", ":"))
    message = f"review the emergency change `{change.id}` after the deployment"
    document = Document("urn:example:emergency-review:1", details)
    return Obligation("review-afterwards", "review", message, None, None, None, None, document)
