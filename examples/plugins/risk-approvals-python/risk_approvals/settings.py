"""What an operator writes, and what follows from it for one change."""

import json
from dataclasses import dataclass
from typing import Self

from wit_world.imports.types import ChangeCategory, Level

from . import schema

_RISKS = ("low", "medium", "high", "critical")


@dataclass(frozen=True)
class Settings:
    """How many people have to approve, and which approvals count."""

    # By risk, lowest first.
    approvals: tuple[int, ...]
    role: str | None
    max_age_days: int | None

    @classmethod
    def read(cls, text: str) -> tuple[Self | None, list[schema.Finding]]:
        """The settings, or all that is wrong with them."""
        value = json.loads(text)
        if findings := schema.findings(value):
            return None, findings
        given = [value["approvals"].get(risk) for risk in _RISKS]
        *lower, critical = given
        approvals = (*lower, lower[-1] if critical is None else critical)
        if findings := _contradictions(approvals):
            return None, findings
        return cls(approvals, value.get("role"), value.get("max-age-days")), []

    def normally(self, risk: Level) -> int:
        """How many approvals a change of that risk needs if it is no emergency."""
        return self.approvals[risk.value]

    def needed(self, risk: Level, category: ChangeCategory) -> int:
        """How many approvals a change needs. An emergency needs one less, and at least one."""
        normally = self.normally(risk)
        return max(normally - 1, 1) if category == ChangeCategory.EMERGENCY else normally


def _contradictions(approvals: tuple[int, ...]) -> list[schema.Finding]:
    """What no schema can say."""
    findings = []
    for lower, higher in zip(range(3), range(1, 4)):
        if approvals[higher] < approvals[lower]:
            message = (
                f"a {_RISKS[higher]} risk needs {approvals[higher]}, a {_RISKS[lower]} risk {approvals[lower]}: "
                "a higher risk never needs fewer approvals"
            )
            findings.append((f"/approvals/{_RISKS[higher]}", message))
    if not any(approvals):
        findings.append(("/approvals", "nobody ever has to approve: ask for at least one approval at some risk"))
    return findings
