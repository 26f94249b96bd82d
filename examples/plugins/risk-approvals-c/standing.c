#include "standing.h"

#include <stdlib.h>

#define DAY UINT64_C(86400000)

void reasons_add(reasons_t *reasons, const char *code, text_t message, text_t pointer) {
  reason_t *reason = LIST_ADD(reasons);
  reason->code = text_copy(text_of(code));
  reason->message = message;
  *LIST_ADD(&reason->pointers) = pointer;
}

static bool is_rejected(const approval_t *answer) {
  return answer->answer == LOCKGATE_TYPES_TYPES_APPROVAL_ANSWER_REJECTED;
}

static bool is_over(const approval_t *answer, int64_t now) {
  return answer->expires.is_some && answer->expires.val <= now;
}

/* Is about what is deployed now, and has not expired. */
static bool is_live(const approval_t *answer, text_t subject, int64_t now) {
  return text_equals(answer->subject, subject) && !is_over(answer, now);
}

/* Whoever rejected can come round. */
static bool takes_back(const approval_t *later, const approval_t *rejection) {
  return !is_rejected(later) && text_equals(later->person.id, rejection->person.id) && later->at > rejection->at;
}

static bool stands(const approval_t *rejection, const struct standing *standing, int64_t now) {
  if (!is_live(rejection, standing->subject, now))
    return false;
  for (size_t i = 0; i < standing->answers.len; i++) {
    const approval_t *later = &standing->answers.ptr[i];
    if (is_live(later, standing->subject, now) && takes_back(later, rejection))
      return false;
  }
  return true;
}

/* The difference of two moments can be too large for a signed number, but not for one without a sign. */
static bool is_older(const approval_t *approval, int64_t now, uint32_t days) {
  return now > approval->at && (uint64_t)now - (uint64_t)approval->at > days * DAY;
}

/* What an outsider did, whose approval cannot count; NULL if the person is none. */
static const char *deed(const struct standing *standing, text_t person) {
  if (text_equals(standing->requester.id, person))
    return "asked for the deployment";
  for (size_t i = 0; i < standing->contributors.len; i++)
    if (text_equals(standing->contributors.ptr[i].id, person))
      return "contributed to the change";
  return NULL;
}

/* Why an approval does not count: the code, and the words, allocated. NULL if it counts. */
static const char *flaw(const struct settings *settings, const struct standing *standing, const approval_t *approval,
                        int64_t now, text_t *words) {
  if (!text_equals(approval->subject, standing->subject)) {
    *words = text_copy(text_of("it names something else than what is deployed now"));
    return "approval-of-something-else";
  }
  if (is_over(approval, now)) {
    *words = text_copy(text_of("it has expired"));
    return "approval-expired";
  }
  uint32_t days = settings->max_age_days;
  if (days > 0 && is_older(approval, now, days)) {
    *words = FORMAT("it is older than {} {}", NUMBER(days), text_of(days == 1 ? "day" : "days"));
    return "approval-too-old";
  }
  if (settings->role.is_some && !text_equals(approval->role, settings->role.val)) {
    *words = FORMAT("it was given as `{}`, not as `{}`", approval->role, settings->role.val);
    return "approval-in-another-role";
  }
  const char *done = deed(standing, approval->person.id);
  if (done) {
    *words = FORMAT("`{}` {}", approval->person.id, text_of(done));
    return "approval-by-outsider";
  }
  return NULL;
}

static void add_person(texts_t *people, text_t person) {
  for (size_t i = 0; i < people->len; i++)
    if (text_equals(people->ptr[i], person))
      return;
  *LIST_ADD(people) = person;
}

struct standing standing_of(const struct settings *settings, evaluation_t evaluation) {
  struct standing standing = {0};
  lockgate_host_snapshot_method_evaluation_subject(evaluation, &standing.subject);
  int64_t now = lockgate_host_snapshot_method_evaluation_now(evaluation);
  lockgate_host_snapshot_method_evaluation_approvals(evaluation, &standing.answers);
  lockgate_host_snapshot_method_evaluation_contributors(evaluation, &standing.contributors);
  lockgate_host_snapshot_method_evaluation_requester(evaluation, &standing.requester);

  for (size_t i = 0; i < standing.answers.len; i++) {
    const approval_t *answer = &standing.answers.ptr[i];
    text_t words;
    const char *code;
    if (is_rejected(answer)) {
      if (stands(answer, &standing, now))
        *LIST_ADD(&standing.rejections) = i;
    } else if ((code = flaw(settings, &standing, answer, now, &words))) {
      reasons_add(&standing.discounted, code,
                  FORMAT("the approval of `{}` does not count: {}", answer->person.id, words),
                  FORMAT("/approvals/{}", NUMBER(i)));
      approval_policy_string_free(&words);
    } else {
      add_person(&standing.people, answer->person.id);
    }
  }
  return standing;
}

void standing_free(struct standing *standing) {
  approval_policy_string_free(&standing->subject);
  lockgate_host_snapshot_person_free(&standing->requester);
  lockgate_host_snapshot_list_person_free(&standing->contributors);
  lockgate_host_snapshot_list_approval_free(&standing->answers);
  free(standing->people.ptr);
  free(standing->rejections.ptr);
}
