/* What an operator writes, and what follows from it for one change. */

#ifndef SETTINGS_H
#define SETTINGS_H

#include "contract.h"
#include "text.h"

#define LEVELS (LOCKGATE_TYPES_TYPES_LEVEL_CRITICAL + 1)

struct settings {
  /* How many people have to approve, by the risk of the change. */
  uint32_t approvals[LEVELS];
  /* The role in which they have to approve; none: in any role. */
  approval_policy_option_string_t role;
  /* For how many days an approval counts; 0: for as long as it says itself. */
  uint32_t max_age_days;
};

/* Reads the settings, and finds all that is wrong with them. They are of use if there are no findings. */
void settings_read(text_t json, const settings_files_t *files, struct settings *settings,
                   settings_findings_t *findings);

/* How many approvals a change of that risk needs if it is no emergency. */
uint32_t settings_normally(const struct settings *settings, level_t risk);

/* How many approvals a change needs. An emergency needs one less, and at least one. */
uint32_t settings_needed(const struct settings *settings, const change_t *change);

/* The word for a level. */
text_t settings_word(level_t level);

#endif
