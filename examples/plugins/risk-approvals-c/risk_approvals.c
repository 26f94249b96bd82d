/* What the host calls: the three functions of the contract that an approval policy exports. The rules stand beside it.
 *
 * The bindings, which `wit-bindgen c` makes of the WIT, free what is handed back after the host has read it, so all of
 * it is allocated. What is handed over is freed here. */

#include "contract.h"
#include "rules.h"
#include "schema.h"
#include "settings.h"
#include "text.h"

/* Filled by `configure`, before the host freezes this memory; each evaluation starts from it. */
static struct settings settings;
static bool is_configured;

void exports_lockgate_types_plugin_describe(description_t *description) {
  *description = (description_t){
      .name = text_copy(text_of("risk-approvals")),
      .version = text_copy(text_of("0.1.0")),
      .title = text_copy(text_of("Approvals by risk")),
      .summary = text_copy(text_of("The riskier a change, the more people have to approve it")),
      .licence = text_copy(text_of("Apache-2.0")),
      .settings_schema = text_copy(text_of(SCHEMA)),
  };
  capability_t *log = LIST_ADD(&description->capabilities);
  log->name = text_copy(text_of("log"));
  log->reason = text_copy(text_of("to say how many approvals count"));
}

bool exports_lockgate_types_plugin_configure(given_settings_t *given, readiness_t *readiness,
                                             settings_findings_t *findings) {
  *readiness = (readiness_t){0};
  *findings = (settings_findings_t){0};
  settings_read(given->json, &given->files, &settings, findings);
  is_configured = findings->len == 0;
  exports_lockgate_types_plugin_settings_free(given);
  return is_configured;
}

bool exports_lockgate_approval_policy_decide(evaluation_t evaluation, answer_t *answer, plugin_error_t *error) {
  if (is_configured)
    *answer = rules_decide(&settings, evaluation);
  else
    *error = (plugin_error_t){.code = text_copy(text_of("not-configured")),
                              .message = text_copy(text_of("it was asked before it was configured"))};
  /* The evaluation is lent, and given back here. */
  lockgate_host_snapshot_evaluation_drop_borrow(evaluation);
  return is_configured;
}
