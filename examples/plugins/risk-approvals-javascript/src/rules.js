// The rules: who approved, who rejected, and what follows.

import { log } from "lockgate:host/log@0.2.0-rc.2";

import { inOrder } from "./order.js";
import { needed } from "./settings.js";
import { reason, standingOf } from "./standing.js";

/** May the deployment go on? */
export function decide(settings, evaluation) {
  if (evaluation.scenario() === "removal") {
    const message = "what is removed is no new risk: another policy has to judge it";
    return answer("abstain", { reasons: [reason("removal-not-judged", message, "/scenario")] });
  }

  const change = evaluation.change();
  const standing = standingOf(settings, evaluation);
  if (standing.rejections.length > 0) {
    const findings = standing.rejections.map((rejection) => finding(rejection, standing.subject));
    return answer("deny", { findings, reasons: standing.void });
  }

  const wanted = needed(settings, change);
  const counted = standing.people.length;
  log("info", `${counted} of ${wanted} approvals at ${change.risk} risk`);
  if (counted < wanted) {
    const requirements = [missing(settings, standing, wanted - counted)];
    return answer("require", { requirements, reasons: standing.void });
  }

  const obligations =
    change.category === "emergency" ? [review(change, settings.approvals[change.risk] - wanted)] : [];
  return answer("allow", { reasons: [enough(standing.people, wanted, change), ...standing.void], obligations });
}

function answer(verdict, parts) {
  return { verdict, findings: [], requirements: [], reasons: [], obligations: [], ...parts };
}

function enough(people, wanted, { risk }) {
  if (wanted === 0) {
    return reason("no-approval-needed", `a ${risk} risk needs no approval`, "/change/risk");
  }
  const approvers = people.map((person) => `\`${person}\``).join(", ");
  const message = `approved by ${approvers}; ${wanted} needed at ${risk} risk`;
  return reason("enough-approvals", message, "/approvals");
}

function missing({ role }, { subject, outsiders, people }, count) {
  const [approvals, are] = count === 1 ? ["approval", "is"] : ["approvals", "are"];
  const inRole = role === undefined ? "" : ` in role \`${role}\``;
  const excluded = inOrder(new Set([...outsiders, ...people]));
  return {
    code: "approvals-missing",
    message: `${count} ${approvals}${inRole} ${are} missing`,
    way: 0,
    need: approvalsNeeded(role, count, excluded, subject),
  };
}

function approvalsNeeded(role, missing, excluded, subject) {
  const roles = role === undefined ? [] : [role];
  return { tag: "approvals", val: { roles, missing, excluded, subject } };
}

function finding({ person, role, comment, pointer }, subject) {
  const said = comment === undefined ? "" : `: “${comment}”`;
  const remedy = {
    code: "approval-after-rejection",
    message: `\`${person.id}\` has to approve, or what is deployed has to change`,
    way: 0,
    need: approvalsNeeded(role, 1, [], subject),
  };
  const message = `\`${person.id}\` rejected the deployment as \`${role}\`${said}`;
  return {
    severity: "high",
    code: "rejected",
    message,
    about: person.id,
    pointers: [pointer],
    remedies: [remedy],
    references: [],
  };
}

function review({ id }, waived) {
  return {
    code: "review-afterwards",
    kind: "review",
    message: `review the emergency change \`${id}\` after the deployment`,
    details: {
      schema: "urn:example:emergency-review:1",
      json: JSON.stringify({ change: id, waived: Math.max(waived, 0) }),
    },
  };
}
