#include "rules.h"

#include <stdlib.h>

#include "standing.h"
#include "text.h"

/* Writes that people have to approve, in a role or in any. */
static approvals_needed_t *need_approvals(requirement_t *requirement, const text_t *role, uint32_t missing,
                                          text_t subject) {
  requirement->need.tag = LOCKGATE_TYPES_TYPES_NEED_APPROVALS;
  approvals_needed_t *need = &requirement->need.val.approvals;
  if (role)
    *LIST_ADD(&need->roles) = text_copy(*role);
  need->missing = missing;
  need->subject = text_copy(subject);
  return need;
}

/* Adds a rejection that stands. */
static void add_finding(answer_t *answer, const struct standing *standing, const approval_t *rejection, size_t index) {
  text_t person = rejection->person.id, role = rejection->role;
  text_t said = rejection->comment.is_some ? FORMAT(": “{}”", rejection->comment.val) : (text_t){0};
  finding_t *finding = LIST_ADD(&answer->findings);
  finding->severity = LOCKGATE_TYPES_TYPES_SEVERITY_HIGH;
  finding->code = text_copy(text_of("rejected"));
  finding->message = FORMAT("`{}` rejected the deployment as `{}`{}", person, role, said);
  finding->about.is_some = true;
  finding->about.val = text_copy(person);
  *LIST_ADD(&finding->pointers) = FORMAT("/approvals/{}", NUMBER(index));
  approval_policy_string_free(&said);

  requirement_t *remedy = LIST_ADD(&finding->remedies);
  remedy->code = text_copy(text_of("approval-after-rejection"));
  remedy->message = FORMAT("`{}` has to approve, or what is deployed has to change", person);
  need_approvals(remedy, &role, 1, standing->subject);
}

static int order_of_texts(const void *one, const void *other) {
  return text_order(*(const text_t *)one, *(const text_t *)other);
}

/* The people whose approval cannot count, or counts already: in order, and each once. */
static void exclude(texts_t *excluded, const struct standing *standing) {
  texts_t all = {0};
  *LIST_ADD(&all) = standing->requester.id;
  for (size_t i = 0; i < standing->contributors.len; i++)
    *LIST_ADD(&all) = standing->contributors.ptr[i].id;
  for (size_t i = 0; i < standing->people.len; i++)
    *LIST_ADD(&all) = standing->people.ptr[i];
  qsort(all.ptr, all.len, sizeof *all.ptr, order_of_texts);
  for (size_t i = 0; i < all.len; i++)
    if (i == 0 || !text_equals(all.ptr[i - 1], all.ptr[i]))
      *LIST_ADD(excluded) = text_copy(all.ptr[i]);
  free(all.ptr);
}

/* Adds what is missing. */
static void add_requirement(answer_t *answer, const struct settings *settings, const struct standing *standing,
                            uint32_t missing) {
  const text_t *role = settings->role.is_some ? &settings->role.val : NULL;
  text_t in_role = role ? FORMAT(" in role `{}`", *role) : (text_t){0};
  requirement_t *requirement = LIST_ADD(&answer->requirements);
  requirement->code = text_copy(text_of("approvals-missing"));
  requirement->message = FORMAT("{} {}{} {} missing", NUMBER(missing), text_of(missing == 1 ? "approval" : "approvals"),
                                in_role, text_of(missing == 1 ? "is" : "are"));
  approval_policy_string_free(&in_role);
  exclude(&need_approvals(requirement, role, missing, standing->subject)->excluded, standing);
}

/* Adds why the deployment may go on. */
static void add_reason(answer_t *answer, const texts_t *people, uint32_t needed, text_t risk) {
  if (needed == 0) {
    reasons_add(&answer->reasons, "no-approval-needed", FORMAT("a {} risk needs no approval", risk),
                text_copy(text_of("/change/risk")));
    return;
  }
  text_t approvers = {0};
  for (size_t i = 0; i < people->len; i++) {
    text_append(&approvers, text_of(i == 0 ? "`" : ", `"));
    text_append(&approvers, people->ptr[i]);
    text_append(&approvers, text_of("`"));
  }
  reasons_add(&answer->reasons, "enough-approvals",
              FORMAT("approved by {}; {} needed at {} risk", approvers, NUMBER(needed), risk),
              text_copy(text_of("/approvals")));
  approval_policy_string_free(&approvers);
}

/* Adds what an emergency change has to bring with it. */
static void add_obligation(answer_t *answer, text_t change, uint32_t waived) {
  text_t quoted = text_quoted(change);
  obligation_t *obligation = LIST_ADD(&answer->obligations);
  obligation->code = text_copy(text_of("review-afterwards"));
  obligation->kind = text_copy(text_of("review"));
  obligation->message = FORMAT("review the emergency change `{}` after the deployment", change);
  obligation->details.is_some = true;
  obligation->details.val.schema = text_copy(text_of("urn:example:emergency-review:1"));
  obligation->details.val.json = FORMAT("{\"change\":{},\"waived\":{}}", quoted, NUMBER(waived));
  approval_policy_string_free(&quoted);
}

static void log_count(size_t counted, uint32_t needed, text_t risk) {
  text_t line = FORMAT("{} of {} approvals at {} risk", NUMBER(counted), NUMBER(needed), risk);
  lockgate_host_log_log(LOCKGATE_HOST_LOG_LEVEL_INFO, &line);
  approval_policy_string_free(&line);
}

static void judge(answer_t *answer, const struct settings *settings, const struct standing *standing,
                  const change_t *change) {
  if (standing->rejections.len > 0) {
    answer->verdict = EXPORTS_LOCKGATE_APPROVAL_POLICY_VERDICT_DENY;
    for (size_t i = 0; i < standing->rejections.len; i++) {
      size_t index = standing->rejections.ptr[i];
      add_finding(answer, standing, &standing->answers.ptr[index], index);
    }
    return;
  }

  size_t counted = standing->people.len;
  uint32_t needed = settings_needed(settings, change), normally = settings_normally(settings, change->risk);
  text_t risk = settings_word(change->risk);
  log_count(counted, needed, risk);
  if (counted < needed) {
    answer->verdict = EXPORTS_LOCKGATE_APPROVAL_POLICY_VERDICT_REQUIRE;
    add_requirement(answer, settings, standing, needed - (uint32_t)counted);
    return;
  }
  answer->verdict = EXPORTS_LOCKGATE_APPROVAL_POLICY_VERDICT_ALLOW;
  add_reason(answer, &standing->people, needed, risk);
  if (change->category == LOCKGATE_TYPES_TYPES_CHANGE_CATEGORY_EMERGENCY)
    add_obligation(answer, change->id, normally > needed ? normally - needed : 0);
}

answer_t rules_decide(const struct settings *settings, evaluation_t evaluation) {
  answer_t answer = {0};
  if (lockgate_host_snapshot_method_evaluation_scenario(evaluation) == LOCKGATE_TYPES_TYPES_SCENARIO_REMOVAL) {
    answer.verdict = EXPORTS_LOCKGATE_APPROVAL_POLICY_VERDICT_ABSTAIN;
    reasons_add(&answer.reasons, "removal-not-judged",
                text_copy(text_of("what is removed is no new risk: another policy has to judge it")),
                text_copy(text_of("/scenario")));
    return answer;
  }

  change_t change;
  lockgate_host_snapshot_method_evaluation_change(evaluation, &change);
  struct standing standing = standing_of(settings, evaluation);
  judge(&answer, settings, &standing, &change);
  for (size_t i = 0; i < standing.discounted.len; i++)
    *LIST_ADD(&answer.reasons) = standing.discounted.ptr[i];
  free(standing.discounted.ptr);
  standing_free(&standing);
  lockgate_host_snapshot_change_free(&change);
  return answer;
}
