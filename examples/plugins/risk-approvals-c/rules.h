/* The rules: who approved, who rejected, and what follows. */

#ifndef RULES_H
#define RULES_H

#include "contract.h"
#include "settings.h"

/* May the deployment go on? All parts of the answer are allocated. */
answer_t rules_decide(const struct settings *settings, evaluation_t evaluation);

#endif
