/* Reads JSON. */

#ifndef JSON_H
#define JSON_H

#include "text.h"

enum json_kind { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_TABLE };

/* A value. */
struct json {
  enum json_kind kind;
  /* What a text says, and what is written of a boolean or a number; allocated. */
  text_t text;
  /* The elements of a list, or the members of a table, sorted by their names. */
  struct {
    struct json *ptr;
    size_t len;
  } items;
  /* The name of a member of a table; allocated. */
  text_t name;
};

/* Reads one JSON text. NULL, or what is wrong with it. The caller frees the value in either case. */
const char *json_read(text_t text, struct json *value);

void json_free(struct json *value);

/* The member with that name; NULL if there is none. */
const struct json *json_member(const struct json *table, text_t name);

#endif
