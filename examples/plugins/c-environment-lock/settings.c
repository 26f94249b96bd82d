/* Reads the settings. It accepts exactly what the settings' JSON Schema accepts, and names everything else.
 *
 * This is as much of JSON as one list of names needs. A plugin with more settings would bring a JSON library. */

#include "settings.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
  const char *at;
  const char *end;
};

static void *grown(void *memory, size_t size) {
  memory = realloc(memory, size);
  if (!memory)
    abort();
  return memory;
}

void text_add(struct text *text, const char *bytes, size_t length) {
  text->bytes = grown(text->bytes, text->length + length + 1);
  if (length > 0)
    memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
  text->bytes[text->length] = '\0';
}

static char *copy(const char *text) {
  struct text owned = {0};
  text_add(&owned, text, strlen(text));
  return owned.bytes;
}

bool names_have(const struct names *names, const char *name) {
  for (size_t i = 0; i < names->count; i++)
    if (strcmp(names->items[i], name) == 0)
      return true;
  return false;
}

void findings_free(struct findings *findings) {
  for (size_t i = 0; i < findings->count; i++) {
    free(findings->items[i].pointer);
    free(findings->items[i].message);
  }
  free(findings->items);
  *findings = (struct findings){0};
}

static void find(struct findings *findings, const char *pointer, const char *message) {
  findings->items = grown(findings->items, (findings->count + 1) * sizeof *findings->items);
  findings->items[findings->count++] = (struct finding){copy(pointer), copy(message)};
}

static void skip_space(struct reader *reader) {
  while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4))
    reader->at++;
}

/* Takes `wanted` and the space around it, if it is what comes next. */
static bool take(struct reader *reader, char wanted) {
  skip_space(reader);
  if (reader->at == reader->end || *reader->at != wanted)
    return false;
  reader->at++;
  skip_space(reader);
  return true;
}

static bool read_hex(struct reader *reader, uint32_t *unit) {
  if (reader->end - reader->at < 4)
    return false;
  *unit = 0;
  for (int i = 0; i < 4; i++) {
    char digit = *reader->at++;
    if (digit >= '0' && digit <= '9')
      *unit = *unit * 16 + (uint32_t)(digit - '0');
    else if ((digit | 32) >= 'a' && (digit | 32) <= 'f')
      *unit = *unit * 16 + (uint32_t)((digit | 32) - 'a' + 10);
    else
      return false;
  }
  return true;
}

static void add_utf8(struct text *text, uint32_t point) {
  char bytes[4];
  size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  static const uint8_t first[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
  for (size_t i = length; i-- > 1; point >>= 6)
    bytes[i] = (char)(0x80 | (point & 0x3f));
  bytes[0] = (char)(first[length] | point);
  text_add(text, bytes, length);
}

/* What follows `\u`: one character, which may take two escapes. */
static bool read_escaped_point(struct reader *reader, struct text *text) {
  uint32_t point, low;
  if (!read_hex(reader, &point))
    return false;
  if (point >= 0xd800 && point < 0xdc00) {
    if (reader->end - reader->at < 2 || reader->at[0] != '\\' || reader->at[1] != 'u')
      return false;
    reader->at += 2;
    if (!read_hex(reader, &low) || low < 0xdc00 || low > 0xdfff)
      return false;
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  } else if (point >= 0xdc00 && point < 0xe000) {
    return false;
  }
  if (point == 0)
    return false; /* No environment has a NUL in its name, and C strings end there. */
  add_utf8(text, point);
  return true;
}

/* Reads a JSON string into `text`, which the caller frees. False: there is none. */
static bool read_string(struct reader *reader, struct text *text) {
  text_add(text, "", 0);
  if (reader->at == reader->end || *reader->at != '"')
    return false;
  for (reader->at++; reader->at < reader->end && *reader->at != '"';) {
    char next = *reader->at++;
    if ((unsigned char)next < 0x20)
      return false;
    if (next != '\\') {
      text_add(text, &next, 1);
      continue;
    }
    if (reader->at == reader->end)
      return false;
    char escaped = *reader->at++;
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *known = memchr(names, escaped, sizeof names - 1);
    if (known)
      text_add(text, &values[known - names], 1);
    else if (escaped != 'u' || !read_escaped_point(reader, text))
      return false;
  }
  if (reader->at == reader->end)
    return false;
  reader->at++;
  return true;
}

/* Passes over one value of any kind. The host hands over well-formed JSON, so counting brackets is enough. */
static bool skip_value(struct reader *reader) {
  size_t depth = 0;
  do {
    skip_space(reader);
    if (reader->at == reader->end)
      return false;
    if (*reader->at == '"') {
      struct text ignored = {0};
      bool read = read_string(reader, &ignored);
      free(ignored.bytes);
      if (!read)
        return false;
    } else if (*reader->at == '{' || *reader->at == '[') {
      depth++;
      reader->at++;
    } else if (*reader->at == '}' || *reader->at == ']') {
      if (depth == 0)
        return false;
      depth--;
      reader->at++;
    } else if (*reader->at == ',' || *reader->at == ':') {
      if (depth == 0)
        return false;
      reader->at++;
    } else {
      while (reader->at < reader->end && !memchr(",:{}[]\" \t\r\n", *reader->at, 11))
        reader->at++;
    }
  } while (depth > 0);
  return true;
}

/* Reads the list of names. False: the rest of the text cannot be read. */
static bool read_allowed(struct reader *reader, struct names *allowed, struct findings *findings) {
  if (!take(reader, '[')) {
    find(findings, "/allowed", "expected a list of environment names");
    return skip_value(reader);
  }
  size_t index = 0;
  while (!take(reader, ']')) {
    if (index > 0 && !take(reader, ','))
      return false;
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/allowed/%zu", index++);
    if (reader->at < reader->end && *reader->at != '"') {
      find(findings, pointer, "expected the name of an environment, as a string");
      if (!skip_value(reader))
        return false;
      continue;
    }
    struct text name = {0};
    if (!read_string(reader, &name)) {
      free(name.bytes);
      return false;
    }
    if (name.length == 0)
      find(findings, pointer, "an environment has a name");
    allowed->items = grown(allowed->items, (allowed->count + 1) * sizeof *allowed->items);
    allowed->items[allowed->count++] = name.bytes;
  }
  if (index == 0)
    find(findings, "/allowed", "the list is empty, so no deployment could ever go on: name at least one environment");
  return true;
}

/* An unknown key is most often a misspelt one: it is told, not passed over. */
static void find_unknown(struct findings *findings, const struct text *key) {
  struct text pointer = {0};
  text_add(&pointer, "/", 1);
  for (size_t i = 0; i < key->length; i++) {
    if (key->bytes[i] == '~')
      text_add(&pointer, "~0", 2);
    else if (key->bytes[i] == '/')
      text_add(&pointer, "~1", 2);
    else
      text_add(&pointer, &key->bytes[i], 1);
  }
  find(findings, pointer.bytes, "there is no such setting; the only one is `allowed`");
  free(pointer.bytes);
}

static bool read_object(struct reader *reader, struct names *allowed, struct findings *findings) {
  bool found = false;
  if (!take(reader, '{'))
    return false;
  for (bool first = true; !take(reader, '}'); first = false) {
    if (!first && !take(reader, ','))
      return false;
    struct text key = {0};
    bool read = read_string(reader, &key) && take(reader, ':');
    if (read && strcmp(key.bytes, "allowed") == 0) {
      found = true;
      read = read_allowed(reader, allowed, findings);
    } else if (read) {
      find_unknown(findings, &key);
      read = skip_value(reader);
    }
    free(key.bytes);
    if (!read)
      return false;
  }
  if (!found)
    find(findings, "", "`allowed` is missing: the names of the environments in which a deployment may go on");
  return reader->at == reader->end;
}

void settings_read(const char *json, size_t length, struct names *allowed, struct findings *findings) {
  struct reader reader = {json, json + length};
  skip_space(&reader);
  if (!read_object(&reader, allowed, findings))
    find(findings, "", "cannot be read: expected an object such as {\"allowed\": [\"live\"]}");
}
