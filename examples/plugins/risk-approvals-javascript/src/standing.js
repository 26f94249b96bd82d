// Which of the answers that people gave still count.

const DAY = 86_400_000n;

/**
 * How things stand in a snapshot: who cannot count, whose approvals count, which rejections stand, and why the other
 * approvals do not count.
 */
export function standingOf(settings, evaluation) {
  const subject = evaluation.subject();
  const now = evaluation.now();
  const answers = evaluation.approvals().map((answer, index) => ({ ...answer, pointer: `/approvals/${index}` }));
  const outsiders = new Map(evaluation.contributors().map(({ id }) => [id, "contributed to the change"]));
  outsiders.set(evaluation.requester().id, "asked for the deployment");

  const isOver = ({ expires }) => expires !== undefined && expires <= now;
  const live = answers.filter((answer) => answer.subject === subject && !isOver(answer));

  // Why an approval does not count: code and words.
  const flaw = (approval) => {
    const { maxAgeDays, role } = settings;
    if (approval.subject !== subject) {
      return ["approval-of-something-else", "it names something else than what is deployed now"];
    }
    if (isOver(approval)) return ["approval-expired", "it has expired"];
    if (maxAgeDays !== undefined && now - approval.at > BigInt(maxAgeDays) * DAY) {
      return ["approval-too-old", `it is older than ${maxAgeDays} ${maxAgeDays === 1 ? "day" : "days"}`];
    }
    if (role !== undefined && approval.role !== role) {
      return ["approval-in-another-role", `it was given as \`${approval.role}\`, not as \`${role}\``];
    }
    const why = outsiders.get(approval.person.id);
    return why && ["approval-by-outsider", `\`${approval.person.id}\` ${why}`];
  };

  const people = new Set();
  const reasons = [];
  for (const approval of answers.filter(({ answer }) => answer === "approved")) {
    const found = flaw(approval);
    if (found) {
      const [code, why] = found;
      const message = `the approval of \`${approval.person.id}\` does not count: ${why}`;
      reasons.push(reason(code, message, approval.pointer));
    } else {
      people.add(approval.person.id);
    }
  }
  const rejections = live.filter(
    (rejection) => rejection.answer === "rejected" && !live.some((later) => takesBack(later, rejection)),
  );
  return { subject, outsiders: [...outsiders.keys()], people: [...people], rejections, void: reasons };
}

/** A reason at one place of the snapshot. */
export function reason(code, message, pointer) {
  return { code, message, pointers: [pointer], references: [] };
}

/** Whoever rejected can come round. */
function takesBack(later, rejection) {
  return later.answer === "approved" && later.person.id === rejection.person.id && later.at > rejection.at;
}
