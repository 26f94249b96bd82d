/* Finds the characters that people do not see, or that hide others. */

#ifndef CHARACTERS_H
#define CHARACTERS_H

#include "text.h"

/* What is wrong with a text: a control character, or one that changes the direction of the text. Allocated; empty if
 * nothing is wrong. */
text_t characters_unreadable(text_t text);

/* What else is wrong with a name that is not empty: blanks around it, line breaks, and invisible characters. Allocated;
 * empty if nothing is wrong. */
text_t characters_unclear(text_t name);

#endif
