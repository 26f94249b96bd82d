/* Texts with a length, and lists that grow.
 *
 * C's own functions end a text at the first NUL, and a text from outside may hold one. A function below borrows the
 * texts that it takes. It says whether the text that it returns is borrowed or allocated; `approval_policy_string_free`
 * frees an allocated one. */

#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "approval_policy.h"

/* UTF-8. */
typedef approval_policy_string_t text_t;
/* A list of texts. */
typedef approval_policy_list_string_t texts_t;

/* The words of a literal, borrowed. */
text_t text_of(const char *words);

/* A copy, allocated. */
text_t text_copy(text_t text);

/* The pattern with a part in place of each `{}`, allocated: `FORMAT("{} of {}", NUMBER(1), text_of("two"))`. */
#define FORMAT(pattern, ...)                                                                                           \
  text_format(pattern, (const text_t[]){__VA_ARGS__}, sizeof((const text_t[]){__VA_ARGS__}) / sizeof(text_t))
text_t text_format(const char *pattern, const text_t *parts, size_t count);

/* The digits of a number, borrowed until the block ends in which it stands. */
#define NUMBER(number) text_of_number(number, (uint8_t[NUMBER_ROOM]){0})
#define NUMBER_ROOM 20
text_t text_of_number(uint64_t number, uint8_t room[NUMBER_ROOM]);

/* The text as JSON, with its quotation marks; allocated. */
text_t text_quoted(text_t text);

/* Adds to the end of a text that is allocated, or that has nothing in it. */
void text_append(text_t *text, text_t more);

/* Takes the first character off a text that is not empty. */
uint32_t text_take(text_t *text);

bool text_equals(text_t one, text_t other);

/* Less than, equal to or greater than 0. Bytes of UTF-8 have the order of the code points. */
int text_order(text_t one, text_t other);

/* A new item at the end of a list, with zero in all of it: texts and lists are empty, and options are none. */
#define LIST_ADD(list)                                                                                                 \
  ((list)->ptr = list_grown((list)->ptr, (list)->len, sizeof *(list)->ptr), &(list)->ptr[(list)->len++])
void *list_grown(void *items, size_t length, size_t size);

#endif
