/* Which of the answers that people gave still count. */

#ifndef STANDING_H
#define STANDING_H

#include "contract.h"
#include "settings.h"
#include "text.h"

/* How things stand in a snapshot. */
struct standing {
  text_t subject;
  person_t requester;
  people_t contributors;
  approvals_t answers;
  /* Whose approvals count, in the order of the snapshot; borrowed from the answers. */
  texts_t people;
  /* The indices of the rejections that stand. */
  struct {
    size_t *ptr;
    size_t len;
  } rejections;
  /* Why the other approvals do not count. */
  reasons_t discounted;
};

struct standing standing_of(const struct settings *settings, evaluation_t evaluation);

/* Frees all but the reasons, which become part of an answer. */
void standing_free(struct standing *standing);

/* Adds a reason at one place of the snapshot, which then owns the message and the pointer. */
void reasons_add(reasons_t *reasons, const char *code, text_t message, text_t pointer);

#endif
