#include "text.h"

#include <stdlib.h>
#include <string.h>

/* A plugin without memory cannot answer: the host tells its operator why. */
static void *grown(void *memory, size_t size) {
  memory = realloc(memory, size);
  if (!memory)
    abort();
  return memory;
}

text_t text_of(const char *words) {
  text_t text;
  approval_policy_string_set(&text, words);
  return text;
}

text_t text_copy(text_t text) {
  text_t copy = {0};
  text_append(&copy, text);
  return copy;
}

text_t text_format(const char *pattern, const text_t *parts, size_t count) {
  text_t text = {0};
  for (const char *hole; (hole = strstr(pattern, "{}")); pattern = hole + 2) {
    if (count-- == 0)
      abort();
    text_append(&text, (text_t){(uint8_t *)pattern, (size_t)(hole - pattern)});
    text_append(&text, *parts++);
  }
  if (count != 0)
    abort();
  text_append(&text, text_of(pattern));
  return text;
}

text_t text_of_number(uint64_t number, uint8_t room[NUMBER_ROOM]) {
  size_t start = NUMBER_ROOM;
  do
    room[--start] = (uint8_t)('0' + number % 10);
  while (number /= 10);
  return (text_t){room + start, NUMBER_ROOM - start};
}

text_t text_quoted(text_t text) {
  static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt", digits[] = "0123456789abcdef";
  text_t quoted = text_copy(text_of("\""));
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = text.ptr[i];
    const char *found = memchr(special, byte, sizeof special - 1);
    if (found) {
      uint8_t escape[] = {'\\', (uint8_t)letters[found - special]};
      text_append(&quoted, (text_t){escape, sizeof escape});
    } else if (byte < 0x20) {
      uint8_t escape[] = {'\\', 'u', '0', '0', (uint8_t)digits[byte >> 4], (uint8_t)digits[byte & 15]};
      text_append(&quoted, (text_t){escape, sizeof escape});
    } else {
      text_append(&quoted, (text_t){&byte, 1});
    }
  }
  text_append(&quoted, text_of("\""));
  return quoted;
}

void text_append(text_t *text, text_t more) {
  if (more.len == 0)
    return;
  text->ptr = grown(text->ptr, text->len + more.len);
  memcpy(text->ptr + text->len, more.ptr, more.len);
  text->len += more.len;
}

uint32_t text_take(text_t *text) {
  uint8_t first = text->ptr[0];
  size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  uint32_t character = length == 1 ? first : first & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; i++)
    character = character << 6 | (text->ptr[i] & 0x3f);
  text->ptr += length;
  text->len -= length;
  return character;
}

bool text_equals(text_t one, text_t other) {
  return one.len == other.len && text_order(one, other) == 0;
}

int text_order(text_t one, text_t other) {
  size_t shorter = one.len < other.len ? one.len : other.len;
  int order = shorter == 0 ? 0 : memcmp(one.ptr, other.ptr, shorter);
  return order != 0 ? order : (one.len > other.len) - (one.len < other.len);
}

void *list_grown(void *items, size_t length, size_t size) {
  /* A list has room for a power of two of items. */
  if ((length & (length - 1)) == 0)
    items = grown(items, (length == 0 ? 1 : 2 * length) * size);
  memset((char *)items + length * size, 0, size);
  return items;
}
