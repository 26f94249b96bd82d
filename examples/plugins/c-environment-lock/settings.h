/* The settings of this plugin: one JSON object, `{"allowed": ["staging", "live"]}`. */

#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that grow, always with a NUL behind them once something was added. */
struct text {
  char *bytes;
  size_t length;
};

/* The names of environments. */
struct names {
  char **items;
  size_t count;
};

/* One thing that is wrong with the settings, and the JSON Pointer to it. */
struct finding {
  char *pointer;
  char *message;
};

struct findings {
  struct finding *items;
  size_t count;
};

void text_add(struct text *text, const char *bytes, size_t length);
bool names_have(const struct names *names, const char *name);
void findings_free(struct findings *findings);

/* Reads the settings into `allowed`. All that is wrong with them is added to `findings`. */
void settings_read(const char *json, size_t length, struct names *allowed, struct findings *findings);

#endif
