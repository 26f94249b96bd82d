/* The JSON Schema of the settings, and the check against it. */

#ifndef SCHEMA_H
#define SCHEMA_H

#include "contract.h"
#include "json.h"

/* The schema as JSON. */
extern const char SCHEMA[];

/* Adds all that is wrong with the settings: first against the schema, in the order of the keys, and then every text
 * that people cannot read. */
void schema_check(const struct json *settings, settings_findings_t *findings);

/* Adds a finding, which then owns both texts. */
void settings_find(settings_findings_t *findings, text_t pointer, text_t message);

/* The value of a whole number that fits the schema. */
uint32_t schema_number(const struct json *value);

#endif
