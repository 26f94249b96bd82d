#include "settings.h"

#include "json.h"
#include "schema.h"

uint32_t settings_normally(const struct settings *settings, level_t risk) {
  return settings->approvals[risk];
}

uint32_t settings_needed(const struct settings *settings, const change_t *change) {
  uint32_t normally = settings_normally(settings, change->risk);
  if (change->category != LOCKGATE_TYPES_TYPES_CHANGE_CATEGORY_EMERGENCY)
    return normally;
  return normally > 1 ? normally - 1 : 1;
}

text_t settings_word(level_t level) {
  static const char *const words[LEVELS] = {"low", "medium", "high", "critical"};
  return text_of(words[level]);
}

/* Finds what no schema can say. */
static void find_contradictions(const struct settings *settings, settings_findings_t *findings) {
  bool somebody = settings->approvals[0] > 0;
  for (level_t higher = 1; higher < LEVELS; higher++) {
    level_t lower = higher - 1;
    uint32_t fewer = settings->approvals[higher], more = settings->approvals[lower];
    somebody = somebody || fewer > 0;
    if (fewer < more)
      settings_find(findings, FORMAT("/approvals/{}", settings_word(higher)),
                    FORMAT("a {} risk needs {}, a {} risk {}: a higher risk never needs fewer approvals",
                           settings_word(higher), NUMBER(fewer), settings_word(lower), NUMBER(more)));
  }
  if (!somebody)
    settings_find(findings, text_copy(text_of("/approvals")),
                  text_copy(text_of("nobody ever has to approve: ask for at least one approval at some risk")));
}

/* The member with that name; NULL if it is left out or null. */
static const struct json *given(const struct json *table, text_t name) {
  const struct json *member = json_member(table, name);
  return member && member->kind != JSON_NULL ? member : NULL;
}

/* Takes settings that fit their schema. */
static struct settings settings_of(const struct json *json) {
  struct settings settings = {0};
  const struct json *approvals = given(json, text_of("approvals"));
  for (level_t level = 0; level < LEVELS; level++) {
    const struct json *number = given(approvals, settings_word(level));
    /* A critical risk alone can be left out, and needs as many as a high one. */
    settings.approvals[level] = number ? schema_number(number) : settings.approvals[level - 1];
  }
  const struct json *role = given(json, text_of("role")), *days = given(json, text_of("max-age-days"));
  if (role) {
    settings.role.is_some = true;
    settings.role.val = text_copy(role->text);
  }
  if (days)
    settings.max_age_days = schema_number(days);
  return settings;
}

static void find_files(const settings_files_t *files, settings_findings_t *findings) {
  for (size_t i = 0; i < files->len; i++) {
    settings_find(findings, (text_t){0}, text_copy(text_of("it takes no files")));
    settings_finding_t *finding = &findings->ptr[findings->len - 1];
    finding->file.is_some = true;
    finding->file.val = text_copy(files->ptr[i].name);
  }
}

/* Each step needs what the one before it found right. */
static void read_json(const struct json *json, const settings_files_t *files, struct settings *settings,
                      settings_findings_t *findings) {
  schema_check(json, findings);
  if (findings->len == 0)
    find_files(files, findings);
  if (findings->len == 0) {
    *settings = settings_of(json);
    find_contradictions(settings, findings);
  }
}

void settings_read(text_t text, const settings_files_t *files, struct settings *settings,
                   settings_findings_t *findings) {
  struct json json;
  const char *fault = json_read(text, &json);
  if (fault)
    settings_find(findings, (text_t){0}, FORMAT("the settings are not JSON: {}", text_of(fault)));
  else
    read_json(&json, files, settings, findings);
  json_free(&json);
}
