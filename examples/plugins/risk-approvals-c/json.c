#include "json.h"

#include <stdlib.h>
#include <string.h>

/* The deepest nesting, as for the host and the SDK. It keeps the stack small. */
#define DEEPEST 127

static const char NOT_JSON[] = "it is no JSON text", TOO_DEEP[] = "it is nested more than 127 levels deep";

struct reader {
  /* What is not read yet. */
  text_t rest;
  /* How many lists and tables are open. */
  size_t depth;
  const char *fault;
};

static bool fail(struct reader *reader, const char *fault) {
  reader->fault = fault;
  return false;
}

static bool next_is_one_of(const struct reader *reader, const char *characters) {
  return reader->rest.len > 0 && memchr(characters, reader->rest.ptr[0], strlen(characters));
}

static uint8_t take(struct reader *reader) {
  reader->rest.len--;
  return *reader->rest.ptr++;
}

static void skip_space(struct reader *reader) {
  while (next_is_one_of(reader, " \t\r\n"))
    take(reader);
}

/* Takes one of the signs of JSON with the space around it, if it comes next. */
static bool take_sign(struct reader *reader, const char *sign) {
  skip_space(reader);
  if (!next_is_one_of(reader, sign))
    return false;
  take(reader);
  skip_space(reader);
  return true;
}

/* Takes four hex digits. */
static bool read_unit(struct reader *reader, uint32_t *unit) {
  *unit = 0;
  for (int i = 0; i < 4; i++) {
    if (!next_is_one_of(reader, "0123456789abcdefABCDEF"))
      return false;
    uint8_t digit = take(reader);
    *unit = *unit * 16 + (digit <= '9' ? digit - '0' : (digit | 32u) - 'a' + 10);
  }
  return true;
}

static void append_character(text_t *text, uint32_t character) {
  static const uint8_t first[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
  uint8_t bytes[4];
  size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  for (size_t i = length; i-- > 1; character >>= 6)
    bytes[i] = (uint8_t)(0x80 | (character & 0x3f));
  bytes[0] = (uint8_t)(first[length] | character);
  text_append(text, (text_t){bytes, length});
}

/* Reads what follows `\u`. A character beyond U+FFFF takes two escapes. */
static bool read_escaped_character(struct reader *reader, text_t *text) {
  uint32_t character, low;
  if (!read_unit(reader, &character))
    return false;
  if (character >= 0xd800 && character < 0xe000) {
    if (character >= 0xdc00 || !next_is_one_of(reader, "\\") || (take(reader), !next_is_one_of(reader, "u")))
      return false;
    take(reader);
    if (!read_unit(reader, &low) || low < 0xdc00 || low > 0xdfff)
      return false;
    character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
  }
  append_character(text, character);
  return true;
}

static bool read_text(struct reader *reader, text_t *text) {
  static const char letters[] = "\"\\/bfnrt", escaped[] = "\"\\/\b\f\n\r\t";
  if (!next_is_one_of(reader, "\""))
    return false;
  take(reader);
  while (reader->rest.len > 0) {
    uint8_t next = take(reader);
    if (next == '"')
      return true;
    if (next < 0x20)
      return false;
    if (next == '\\') {
      if (reader->rest.len == 0)
        return false;
      next = take(reader);
      const char *letter = memchr(letters, next, sizeof letters - 1);
      if (!letter && (next != 'u' || !read_escaped_character(reader, text)))
        return false;
      if (!letter)
        continue;
      next = (uint8_t)escaped[letter - letters];
    }
    text_append(text, (text_t){&next, 1});
  }
  return false;
}

/* Reads a word or a number, as it is written. */
static bool read_word(struct reader *reader, struct json *value) {
  text_t word = {reader->rest.ptr, 0};
  for (; next_is_one_of(reader, "+-.0123456789Eaeflnrstu"); word.len++)
    take(reader);
  if (text_equals(word, text_of("null"))) {
    value->kind = JSON_NULL;
    return true;
  }
  if (text_equals(word, text_of("true")) || text_equals(word, text_of("false")))
    value->kind = JSON_BOOLEAN;
  else if (word.len > 0 && memchr("-0123456789", word.ptr[0], 11))
    value->kind = JSON_NUMBER;
  else
    return false;
  value->text = text_copy(word);
  return true;
}

static int order_of_names(const void *one, const void *other) {
  return text_order(((const struct json *)one)->name, ((const struct json *)other)->name);
}

static bool read_value(struct reader *reader, struct json *value);

static bool read_items(struct reader *reader, struct json *value, const char *end) {
  if (take_sign(reader, end))
    return true;
  do {
    struct json *item = LIST_ADD(&value->items);
    if (value->kind == JSON_TABLE && !(read_text(reader, &item->name) && take_sign(reader, ":")))
      return false;
    if (!read_value(reader, item))
      return false;
  } while (take_sign(reader, ","));
  return take_sign(reader, end);
}

static bool read_list_or_table(struct reader *reader, struct json *value) {
  if (++reader->depth > DEEPEST)
    return fail(reader, TOO_DEEP);
  bool is_table = take(reader) == '{';
  value->kind = is_table ? JSON_TABLE : JSON_LIST;
  if (!read_items(reader, value, is_table ? "}" : "]"))
    return false;
  if (is_table && value->items.len > 0)
    qsort(value->items.ptr, value->items.len, sizeof *value->items.ptr, order_of_names);
  reader->depth--;
  return true;
}

static bool read_value(struct reader *reader, struct json *value) {
  skip_space(reader);
  if (next_is_one_of(reader, "{["))
    return read_list_or_table(reader, value);
  if (next_is_one_of(reader, "\"")) {
    value->kind = JSON_TEXT;
    return read_text(reader, &value->text);
  }
  return read_word(reader, value);
}

const char *json_read(text_t text, struct json *value) {
  struct reader reader = {.rest = text, .fault = NOT_JSON};
  *value = (struct json){0};
  if (!read_value(&reader, value))
    return reader.fault;
  skip_space(&reader);
  return reader.rest.len > 0 ? NOT_JSON : NULL;
}

void json_free(struct json *value) {
  for (size_t i = 0; i < value->items.len; i++)
    json_free(&value->items.ptr[i]);
  free(value->items.ptr);
  approval_policy_string_free(&value->text);
  approval_policy_string_free(&value->name);
}

const struct json *json_member(const struct json *table, text_t name) {
  for (size_t i = 0; i < table->items.len; i++)
    if (text_equals(table->items.ptr[i].name, name))
      return &table->items.ptr[i];
  return NULL;
}
