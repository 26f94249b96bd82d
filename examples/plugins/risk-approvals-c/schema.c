#include "schema.h"

#include "characters.h"

/* The argument as a text. */
#define JSON(...) #__VA_ARGS__

const char SCHEMA[] = JSON({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Settings",
  "description": "How many people have to approve, and which approvals count.",
  "type": "object",
  "properties": {
    "approvals": {
      "description": "How many people have to approve, by the risk of the change.",
      "$ref": "#/$defs/Approvals"
    },
    "role": {
      "description": "The role in which they have to approve. Without it, an approval in any role counts.",
      "type": ["string", "null"],
      "minLength": 1,
      "format": "lockgate-role"
    },
    "max-age-days": {
      "description": "For how many days an approval counts. Without it, for as long as it says itself.",
      "type": ["integer", "null"],
      "format": "uint32",
      "minimum": 1,
      "maximum": 3650
    }
  },
  "additionalProperties": false,
  "required": ["approvals"],
  "$defs": {
    "Approvals": {
      "description": "How many people have to approve, by risk.",
      "type": "object",
      "properties": {
        "low": {
          "description": "At a low risk.",
          "type": "integer",
          "format": "uint32",
          "minimum": 0,
          "maximum": 20
        },
        "medium": {
          "description": "At a medium risk.",
          "type": "integer",
          "format": "uint32",
          "minimum": 0,
          "maximum": 20
        },
        "high": {
          "description": "At a high risk.",
          "type": "integer",
          "format": "uint32",
          "minimum": 0,
          "maximum": 20
        },
        "critical": {
          "description": "At a critical risk. Without it, as many as at a high one.",
          "type": ["integer", "null"],
          "format": "uint32",
          "minimum": 0,
          "maximum": 20
        }
      },
      "additionalProperties": false,
      "required": ["low", "medium", "high"]
    }
  }
});

/* What the schema says about one value. A text is a name. */
struct rule {
  const char *name;
  enum json_kind kind;
  /* Whether it can be left out, or be null. */
  bool is_optional;
  /* The limits of a number. */
  uint32_t minimum, maximum;
  /* The members of a table, in the order in which missing ones are found; the last one has no name. */
  const struct rule *members;
  /* Their names in the order of the alphabet. */
  const char *known;
};

static const struct rule APPROVALS[] = {
    {.name = "low", .kind = JSON_NUMBER, .maximum = 20},
    {.name = "medium", .kind = JSON_NUMBER, .maximum = 20},
    {.name = "high", .kind = JSON_NUMBER, .maximum = 20},
    {.name = "critical", .kind = JSON_NUMBER, .is_optional = true, .maximum = 20},
    {0},
};

static const struct rule MEMBERS[] = {
    {.name = "approvals", .kind = JSON_TABLE, .members = APPROVALS, .known = "`critical`, `high`, `low`, `medium`"},
    {.name = "role", .kind = JSON_TEXT, .is_optional = true},
    {.name = "max-age-days", .kind = JSON_NUMBER, .is_optional = true, .minimum = 1, .maximum = 3650},
    {0},
};

static const struct rule SETTINGS = {
    .kind = JSON_TABLE, .members = MEMBERS, .known = "`approvals`, `max-age-days`, `role`"};

void settings_find(settings_findings_t *findings, text_t pointer, text_t message) {
  settings_finding_t *finding = LIST_ADD(findings);
  finding->pointer = pointer;
  finding->message = message;
}

/* The JSON Pointer to a member or an element, allocated. */
static text_t pointer_to(text_t table, text_t name) {
  text_t pointer = FORMAT("{}/", table);
  for (size_t i = 0; i < name.len; i++) {
    text_t character = {&name.ptr[i], 1};
    text_append(&pointer, name.ptr[i] == '~' ? text_of("~0") : name.ptr[i] == '/' ? text_of("~1") : character);
  }
  return pointer;
}

static bool is_whole(text_t number) {
  for (size_t i = 0; i < number.len; i++)
    if (number.ptr[i] == '.' || number.ptr[i] == 'e' || number.ptr[i] == 'E')
      return false;
  return true;
}

/* The value of a whole number; of one that is far too large, another one that is too large. */
static int64_t whole(text_t number) {
  bool is_negative = number.ptr[0] == '-';
  int64_t value = 0;
  for (size_t i = is_negative; i < number.len && value < INT64_MAX / 100; i++)
    value = value * 10 + (number.ptr[i] - '0');
  return is_negative ? -value : value;
}

uint32_t schema_number(const struct json *value) {
  return (uint32_t)whole(value->text);
}

/* A value with its kind, in words; allocated. A long text is shortened to 60 characters. */
static text_t described(const struct json *value) {
  switch (value->kind) {
  case JSON_NULL:
    return text_copy(text_of("nothing"));
  case JSON_BOOLEAN:
  case JSON_NUMBER:
    return text_copy(value->text);
  case JSON_LIST:
    return text_copy(text_of("a list"));
  case JSON_TABLE:
    return text_copy(text_of("a table"));
  case JSON_TEXT:
    break;
  }
  text_t rest = value->text;
  for (size_t count = 0; count < 60 && rest.len > 0; count++)
    text_take(&rest);
  text_t start = {value->text.ptr, value->text.len - rest.len};
  return FORMAT(rest.len > 0 ? "text \"{}…\"" : "text \"{}\"", start);
}

static void find_wrong_kind(const struct rule *rule, const struct json *value, text_t place,
                            settings_findings_t *findings) {
  const char *expected = "a table";
  if (rule->kind == JSON_TEXT)
    expected = "a text";
  else if (rule->kind == JSON_NUMBER)
    expected = value->kind == JSON_NUMBER ? "a whole number" : "a number";
  text_t found = described(value);
  settings_find(findings, text_copy(place), FORMAT("expected {}, got {}", text_of(expected), found));
  approval_policy_string_free(&found);
}

static void check_number(const struct rule *rule, text_t number, text_t place, settings_findings_t *findings) {
  int64_t value = whole(number);
  if (value < rule->minimum)
    settings_find(findings, text_copy(place), FORMAT("expected at least {}, got {}", NUMBER(rule->minimum), number));
  else if (value > rule->maximum)
    settings_find(findings, text_copy(place), FORMAT("expected at most {}, got {}", NUMBER(rule->maximum), number));
}

static void check_name(text_t name, text_t place, settings_findings_t *findings) {
  text_t wrong = name.len == 0 ? text_copy(text_of("the text must not be empty")) : characters_unclear(name);
  if (wrong.len > 0)
    settings_find(findings, text_copy(place), wrong);
}

static void check(const struct rule *rule, const struct json *value, text_t place, settings_findings_t *findings);

static void check_member(const struct rule *rule, const struct json *member, text_t place,
                         settings_findings_t *findings) {
  for (const struct rule *known = rule->members; known->name; known++)
    if (text_equals(member->name, text_of(known->name))) {
      check(known, member, place, findings);
      return;
    }
  settings_find(findings, text_copy(place),
                FORMAT("unknown key `{}`; known keys: {}", member->name, text_of(rule->known)));
}

static void check_table(const struct rule *rule, const struct json *table, text_t place,
                        settings_findings_t *findings) {
  for (const struct rule *member = rule->members; member->name; member++)
    if (!member->is_optional && !json_member(table, text_of(member->name)))
      settings_find(findings, text_copy(place), FORMAT("`{}` is missing", text_of(member->name)));
  for (size_t i = 0; i < table->items.len; i++) {
    const struct json *member = &table->items.ptr[i];
    text_t inner = pointer_to(place, member->name);
    check_member(rule, member, inner, findings);
    approval_policy_string_free(&inner);
  }
}

static void check(const struct rule *rule, const struct json *value, text_t place, settings_findings_t *findings) {
  if (value->kind == JSON_NULL && rule->is_optional)
    return;
  if (value->kind != rule->kind || (value->kind == JSON_NUMBER && !is_whole(value->text)))
    find_wrong_kind(rule, value, place, findings);
  else if (value->kind == JSON_NUMBER)
    check_number(rule, value->text, place, findings);
  else if (value->kind == JSON_TEXT)
    check_name(value->text, place, findings);
  else
    check_table(rule, value, place, findings);
}

static void check_readable(text_t text, text_t place, settings_findings_t *findings) {
  text_t wrong = characters_unreadable(text);
  if (wrong.len > 0)
    settings_find(findings, text_copy(place), wrong);
}

/* Whatever the schema says: no text and no name of a member may hide anything. */
static void check_texts(const struct json *value, text_t place, settings_findings_t *findings) {
  if (value->kind == JSON_TEXT)
    check_readable(value->text, place, findings);
  for (size_t i = 0; i < value->items.len; i++) {
    const struct json *item = &value->items.ptr[i];
    text_t inner = pointer_to(place, value->kind == JSON_TABLE ? item->name : NUMBER(i));
    check_readable(item->name, inner, findings);
    check_texts(item, inner, findings);
    approval_policy_string_free(&inner);
  }
}

void schema_check(const struct json *settings, settings_findings_t *findings) {
  check(&SETTINGS, settings, (text_t){0}, findings);
  check_texts(settings, (text_t){0}, findings);
}
