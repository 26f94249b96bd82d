/* An approval policy in C: a deployment may go on only in environments that are on a list.
 *
 * The three functions below are the whole plugin; their types come from the bindings that `wit-bindgen c` makes of the
 * WIT. Memory that is handed back is freed by those bindings, so everything in an answer is allocated. */

#include <stdlib.h>
#include <string.h>

#include "approval_policy.h"
#include "settings.h"

/* Filled by `configure`, before the host freezes this memory; each evaluation starts from it. */
static struct names allowed;

static const char SETTINGS_SCHEMA[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"type\":\"object\","
    "\"properties\":{\"allowed\":{"
    "\"description\":\"The names of the environments in which a deployment may go on.\","
    "\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\",\"minLength\":1}}},"
    "\"required\":[\"allowed\"],"
    "\"additionalProperties\":false}";

static void say(approval_policy_string_t *to, const char *text) {
  approval_policy_string_dup(to, text);
}

/* The parts of `words`, up to a NULL, as one string. */
static void join(approval_policy_string_t *to, const char *const *words) {
  struct text text = {0};
  for (; *words; words++)
    text_add(&text, *words, strlen(*words));
  approval_policy_string_dup_n(to, text.bytes, text.length);
  free(text.bytes);
}

static void *allocate(size_t size) {
  void *memory = calloc(1, size);
  if (!memory)
    abort();
  return memory;
}

void exports_lockgate_types_plugin_describe(exports_lockgate_types_plugin_description_t *description) {
  memset(description, 0, sizeof *description);
  say(&description->name, "environment-lock");
  say(&description->version, "0.1.0");
  say(&description->summary, "Lets a deployment go on only in environments that are on a list.");
  say(&description->settings_schema, SETTINGS_SCHEMA);
  say(&description->title, "Environment lock");
  say(&description->licence, "Apache-2.0");
}

bool exports_lockgate_types_plugin_configure(exports_lockgate_types_plugin_settings_t *settings,
                                             exports_lockgate_types_plugin_readiness_t *readiness,
                                             exports_lockgate_types_plugin_list_settings_finding_t *findings) {
  struct findings found = {0};
  settings_read((const char *)settings->json.ptr, settings->json.len, &allowed, &found);
  size_t files = settings->files.len;
  memset(readiness, 0, sizeof *readiness);
  if (found.count + files == 0) {
    exports_lockgate_types_plugin_settings_free(settings);
    return true;
  }

  findings->ptr = allocate((found.count + files) * sizeof *findings->ptr);
  findings->len = found.count + files;
  for (size_t i = 0; i < found.count; i++) {
    say(&findings->ptr[i].pointer, found.items[i].pointer);
    say(&findings->ptr[i].message, found.items[i].message);
  }
  for (size_t i = 0; i < files; i++) {
    exports_lockgate_types_plugin_settings_finding_t *finding = &findings->ptr[found.count + i];
    finding->file.is_some = true;
    approval_policy_string_dup_n(&finding->file.val, (const char *)settings->files.ptr[i].name.ptr,
                                 settings->files.ptr[i].name.len);
    say(&finding->message, "It takes no files.");
  }
  findings_free(&found);
  exports_lockgate_types_plugin_settings_free(settings);
  return false;
}

/* The names on the list, as words for a person. */
static void list(approval_policy_string_t *to) {
  struct text text = {0};
  for (size_t i = 0; i < allowed.count; i++) {
    const char *before = i == 0 ? "`" : i + 1 < allowed.count ? ", `" : " or `";
    text_add(&text, before, strlen(before));
    text_add(&text, allowed.items[i], strlen(allowed.items[i]));
    text_add(&text, "`", 1);
  }
  approval_policy_string_dup_n(to, text.bytes, text.length);
  free(text.bytes);
}

/* The one place in the snapshot that all answers are about. */
static void point_at_name(lockgate_types_types_list_json_pointer_t *pointers) {
  pointers->ptr = allocate(sizeof *pointers->ptr);
  pointers->len = 1;
  say(pointers->ptr, "/environment/name");
}

static void allow(const char *name, exports_lockgate_approval_policy_answer_t *answer) {
  answer->verdict = EXPORTS_LOCKGATE_APPROVAL_POLICY_VERDICT_ALLOW;
  answer->reasons.ptr = allocate(sizeof *answer->reasons.ptr);
  answer->reasons.len = 1;
  exports_lockgate_approval_policy_reason_t *reason = answer->reasons.ptr;
  say(&reason->code, "environment-listed");
  join(&reason->message, (const char *const[]){"The environment `", name, "` is on the list.", NULL});
  point_at_name(&reason->pointers);
}

static void deny(const char *name, exports_lockgate_approval_policy_answer_t *answer) {
  answer->verdict = EXPORTS_LOCKGATE_APPROVAL_POLICY_VERDICT_DENY;
  answer->findings.ptr = allocate(sizeof *answer->findings.ptr);
  answer->findings.len = 1;
  exports_lockgate_approval_policy_finding_t *finding = answer->findings.ptr;
  finding->severity = LOCKGATE_TYPES_TYPES_SEVERITY_HIGH;
  say(&finding->code, "environment-not-listed");
  join(&finding->message, (const char *const[]){"The environment `", name, "` is not on the list.", NULL});
  finding->about.is_some = true;
  say(&finding->about.val, name);
  point_at_name(&finding->pointers);

  finding->remedies.ptr = allocate(sizeof *finding->remedies.ptr);
  finding->remedies.len = 1;
  exports_lockgate_approval_policy_requirement_t *remedy = finding->remedies.ptr;
  say(&remedy->code, "choose-listed-environment");
  say(&remedy->message, "Deploy to an environment that is on the list, or have this one put on it.");
  remedy->need.tag = LOCKGATE_TYPES_TYPES_NEED_CORRECTION;
  lockgate_types_types_correction_needed_t *correction = &remedy->need.val.correction;
  say(&correction->pointer, "/environment/name");
  list(&correction->expected);
  correction->found.is_some = true;
  say(&correction->found.val, name);
}

bool exports_lockgate_approval_policy_decide(exports_lockgate_approval_policy_borrow_evaluation_t evaluation,
                                             exports_lockgate_approval_policy_answer_t *answer,
                                             exports_lockgate_approval_policy_plugin_error_t *error) {
  (void)error; /* There is nothing that this policy could fail to answer. */
  memset(answer, 0, sizeof *answer);
  lockgate_host_snapshot_environment_t environment;
  lockgate_host_snapshot_method_evaluation_environment(evaluation, &environment);

  struct text name = {0};
  text_add(&name, (const char *)environment.name.ptr, environment.name.len);
  if (names_have(&allowed, name.bytes))
    allow(name.bytes, answer);
  else
    deny(name.bytes, answer);

  free(name.bytes);
  lockgate_host_snapshot_environment_free(&environment);
  lockgate_host_snapshot_evaluation_drop_borrow(evaluation);
  return true;
}
