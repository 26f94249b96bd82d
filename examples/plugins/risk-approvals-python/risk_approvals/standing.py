"""Which of the answers that people gave still count."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from wit_world.imports.snapshot import Evaluation
from wit_world.imports.types import Approval, ApprovalAnswer, Reason

from .settings import Settings

_DAY = 86_400_000


def reason(code: str, message: str, pointer: str) -> Reason:
    """A reason at one place of the snapshot."""
    return Reason(code, message, [pointer], [], None)


@dataclass(frozen=True)
class Standing:
    """How things stand."""

    subject: str
    # Who cannot count, whatever they answer, and why.
    outsiders: dict[str, str]
    # Whose approvals count, in the order in which they were given.
    people: list[str]
    # Index, person, role, comment and subject of each rejection.
    rejections: list[tuple[int, str, str, str | None, str]]
    # Why the other approvals do not count.
    void: list[Reason]

    @classmethod
    def of(cls, settings: Settings, evaluation: Evaluation) -> Self:
        """How things stand in a snapshot."""
        subject, now, answers = evaluation.subject(), evaluation.now(), evaluation.approvals()
        outsiders = {person.id: "contributed to the change" for person in evaluation.contributors()}
        outsiders[evaluation.requester().id] = "asked for the deployment"
        live = [answer for answer in answers if answer.subject == subject and not _is_over(answer, now)]

        standing = cls(subject, outsiders, [], [], [])
        for index, answer in enumerate(answers):
            person = answer.person.id
            if answer.answer == ApprovalAnswer.REJECTED:
                is_live = answer.subject == subject and not _is_over(answer, now)
                if is_live and not any(_takes_back(later, answer) for later in live):
                    standing.rejections.append((index, person, answer.role, answer.comment, subject))
            elif found := next(_flaws(settings, answer, subject, now, outsiders), None):
                code, why = found
                message = f"the approval of `{person}` does not count: {why}"
                standing.void.append(reason(code, message, f"/approvals/{index}"))
            elif person not in standing.people:
                standing.people.append(person)
        return standing


def _is_over(answer: Approval, now: int) -> bool:
    return answer.expires is not None and answer.expires <= now


def _takes_back(later: Approval, rejection: Approval) -> bool:
    """Whoever rejected can come round."""
    return (
        later.answer == ApprovalAnswer.APPROVED
        and later.person.id == rejection.person.id
        and later.at > rejection.at
    )


def _flaws(
    settings: Settings, answer: Approval, subject: str, now: int, outsiders: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """Why an approval does not count: code and words."""
    if answer.subject != subject:
        yield "approval-of-something-else", "it names something else than what is deployed now"
    if _is_over(answer, now):
        yield "approval-expired", "it has expired"
    if settings.max_age_days is not None and now - answer.at > settings.max_age_days * _DAY:
        days = "day" if settings.max_age_days == 1 else "days"
        yield "approval-too-old", f"it is older than {settings.max_age_days} {days}"
    if settings.role is not None and answer.role != settings.role:
        yield "approval-in-another-role", f"it was given as `{answer.role}`, not as `{settings.role}`"
    if why := outsiders.get(answer.person.id):
        yield "approval-by-outsider", f"`{answer.person.id}` {why}"
