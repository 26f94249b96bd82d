// The rules: who approved, who rejected, and what follows.

import { log } from "lockgate:host/log@0.2.0-rc.1";

import { inOrder } from "./order.js";
import { needed } from "./settings.js";
import { standingOf } from "./standing.js";

/** May the deployment go on? */
export function decide(settings, evaluation) {
  if (evaluation.scenario() === "removal") {
    const message = "what is removed is no new risk: another policy has to judge it";
    return answer("abstain", undefined, [{ code: "removal-not-judged", message, pointer: "/scenario" }]);
  }

  const change = evaluation.change();
  const standing = standingOf(settings, evaluation);
  if (standing.rejections.length > 0) {
    const violations = standing.rejections.map((rejection) => violation(rejection, standing.subject));
    return answer("deny", violations, standing.void);
  }

  const wanted = needed(settings, change);
  const counted = standing.people.length;
  log("info", `${counted} of ${wanted} approvals at ${change.risk} risk`);
  if (counted < wanted) {
    return answer("require", [missing(settings, standing, wanted - counted)], standing.void);
  }

  const obligations =
    change.category === "emergency" ? [review(change, settings.approvals[change.risk] - wanted)] : [];
  return answer("allow", undefined, [enough(standing.people, wanted, change), ...standing.void], obligations);
}

function answer(tag, val, reasons, obligations = []) {
  return { ruling: { tag, val }, reasons, obligations };
}

function enough(people, wanted, { risk }) {
  if (wanted === 0) {
    return { code: "no-approval-needed", message: `a ${risk} risk needs no approval`, pointer: "/change/risk" };
  }
  const approvers = people.map((person) => `\`${person}\``).join(", ");
  const message = `approved by ${approvers}; ${wanted} needed at ${risk} risk`;
  return { code: "enough-approvals", message, pointer: "/approvals" };
}

function missing({ role }, { subject, outsiders, people }, count) {
  const [approvals, are] = count === 1 ? ["approval", "is"] : ["approvals", "are"];
  const inRole = role === undefined ? "" : ` in role \`${role}\``;
  const excluded = inOrder(new Set([...outsiders, ...people]));
  return {
    code: "approvals-missing",
    message: `${count} ${approvals}${inRole} ${are} missing`,
    need: { tag: "approvals", val: { role, missing: count, excluded, subject } },
  };
}

function violation({ person, role, comment, pointer }, subject) {
  const said = comment === undefined ? "" : `: “${comment}”`;
  const remedy = {
    code: "approval-after-rejection",
    message: `\`${person.id}\` has to approve, or what is deployed has to change`,
    need: { tag: "approvals", val: { role, missing: 1, excluded: [], subject } },
  };
  const message = `\`${person.id}\` rejected the deployment as \`${role}\`${said}`;
  return { code: "rejected", message, subject: person.id, pointer, remedies: [remedy] };
}

function review({ id }, waived) {
  return {
    code: "review-afterwards",
    message: `review the emergency change \`${id}\` after the deployment`,
    details: {
      schema: "urn:example:emergency-review:1",
      json: JSON.stringify({ change: id, waived: Math.max(waived, 0) }),
    },
  };
}
