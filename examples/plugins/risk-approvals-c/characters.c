#include "characters.h"

/* The first and the last character of a range. */
struct range {
  uint32_t first, last;
};

#define IS_IN(character, ...)                                                                                          \
  is_in(character, (const struct range[]){__VA_ARGS__},                                                                \
        sizeof((const struct range[]){__VA_ARGS__}) / sizeof(struct range))

static bool is_in(uint32_t character, const struct range *ranges, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (character >= ranges[i].first && character <= ranges[i].last)
      return true;
  return false;
}

static bool is_control(uint32_t character) {
  return IS_IN(character, {0, 0x1f}, {0x7f, 0x9f});
}

/* Unicode's `White_Space`. */
static bool is_space(uint32_t character) {
  return IS_IN(character, {0x9, 0xd}, {0x20, 0x20}, {0x85, 0x85}, {0xa0, 0xa0}, {0x1680, 0x1680}, {0x2000, 0x200a},
               {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000});
}

static bool is_line_break(uint32_t character) {
  return IS_IN(character, {0x9, 0xd}, {0x85, 0x85}, {0x2028, 0x2029});
}

static bool is_unreadable(uint32_t character) {
  return IS_IN(character, {0, 0x8}, {0xb, 0xc}, {0xe, 0x1f}, {0x7f, 0x9f}, {0x202a, 0x202e}, {0x2066, 0x2069});
}

/* Has no width, although it makes two texts differ. */
static bool is_invisible(uint32_t character) {
  return (is_control(character) && !is_space(character)) ||
         IS_IN(character, {0xad, 0xad}, {0x34f, 0x34f}, {0x61c, 0x61c}, {0x115f, 0x1160}, {0x17b4, 0x17b5},
               {0x180b, 0x180f}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f}, {0x2800, 0x2800},
               {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
               {0xe0000, 0xe0fff});
}

/* Says that a character has to go, with its kind and its number: `a control character (U+001B)`. */
static text_t advice(uint32_t character) {
  const char *kind = "an invisible character";
  if (is_line_break(character))
    kind = "a tab or a line break";
  else if (is_control(character))
    kind = "a control character";
  else if (IS_IN(character, {0x61c, 0x61c}, {0x200e, 0x200f}, {0x202a, 0x202e}, {0x2066, 0x2069}))
    kind = "a character that changes the direction of text";

  uint8_t digits[6];
  size_t start = sizeof digits;
  for (; character > 0 || start > sizeof digits - 4; character >>= 4)
    digits[--start] = (uint8_t)"0123456789ABCDEF"[character & 15];
  text_t number = {digits + start, sizeof digits - start};
  return FORMAT("the text contains {} (U+{}): remove it", text_of(kind), number);
}

text_t characters_unreadable(text_t text) {
  while (text.len > 0) {
    uint32_t character = text_take(&text);
    if (is_unreadable(character))
      return advice(character);
  }
  return (text_t){0};
}

text_t characters_unclear(text_t name) {
  bool is_blank = true, is_wrong = false, starts_with_space = false, ends_with_space = false;
  uint32_t wrong = 0;
  for (text_t rest = name; rest.len > 0;) {
    bool is_first = rest.len == name.len;
    uint32_t character = text_take(&rest);
    is_blank = is_blank && (is_space(character) || is_invisible(character));
    if (!is_wrong && !is_unreadable(character) && (is_invisible(character) || is_line_break(character))) {
      is_wrong = true;
      wrong = character;
    }
    starts_with_space = starts_with_space || (is_first && is_space(character));
    ends_with_space = is_space(character);
  }
  if (is_blank)
    return text_copy(text_of("the text has no visible character"));
  if (is_wrong)
    return advice(wrong);
  if (starts_with_space || ends_with_space)
    return FORMAT("`{}` starts or ends with a blank: remove it", name);
  return (text_t){0};
}
