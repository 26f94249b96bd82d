// What an operator writes, and what follows from it for one change.

import { findingsIn } from "./schema.js";

const RISKS = ["low", "medium", "high", "critical"];

/** The settings and nothing, or nothing and all that is wrong with them. */
export function readSettings(text) {
  const value = JSON.parse(text);
  let findings = findingsIn(value);
  if (findings.length > 0) return [undefined, findings];

  const approvals = { ...value.approvals, critical: value.approvals.critical ?? value.approvals.high };
  findings = contradictions(approvals);
  if (findings.length > 0) return [undefined, findings];
  return [{ approvals, role: value.role ?? undefined, maxAgeDays: value["max-age-days"] ?? undefined }, []];
}

/** How many approvals a change needs. An emergency needs one less, and at least one. */
export function needed(settings, { risk, category }) {
  const normally = settings.approvals[risk];
  return category === "emergency" ? Math.max(normally - 1, 1) : normally;
}

/** What no schema can say. */
function contradictions(approvals) {
  const findings = [];
  RISKS.slice(1).forEach((higher, index) => {
    const lower = RISKS[index];
    if (approvals[higher] < approvals[lower]) {
      const message =
        `a ${higher} risk needs ${approvals[higher]}, a ${lower} risk ${approvals[lower]}: ` +
        "a higher risk never needs fewer approvals";
      findings.push({ pointer: `/approvals/${higher}`, message });
    }
  });
  if (RISKS.every((risk) => approvals[risk] === 0)) {
    const message = "nobody ever has to approve: ask for at least one approval at some risk";
    findings.push({ pointer: "/approvals", message });
  }
  return findings;
}
