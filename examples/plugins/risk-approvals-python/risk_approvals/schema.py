"""The JSON Schema of the settings, and a validator that reports all errors, in the order of the keys.

It supports as much of JSON Schema as these settings need.
"""

import json
from collections.abc import Iterator
from typing import Any

Finding = tuple[str, str]


def _number(description: str, **more: Any) -> dict[str, Any]:
    return {"description": description, "type": "integer", "format": "uint32", "minimum": 0, "maximum": 20} | more


SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Settings",
    "description": "How many people have to approve, and which approvals count.",
    "type": "object",
    "properties": {
        "approvals": {
            "description": "How many people have to approve, by the risk of the change.",
            "$ref": "#/$defs/Approvals",
        },
        "role": {
            "description": "The role in which they have to approve. Without it, an approval in any role counts.",
            "type": ["string", "null"],
            "minLength": 1,
            "format": "lockgate-role",
        },
        "max-age-days": {
            "description": "For how many days an approval counts. Without it, for as long as it says itself.",
            "type": ["integer", "null"],
            "format": "uint32",
            "minimum": 1,
            "maximum": 3650,
        },
    },
    "additionalProperties": False,
    "required": ["approvals"],
    "$defs": {
        "Approvals": {
            "description": "How many people have to approve, by risk.",
            "type": "object",
            "properties": {
                "low": _number("At a low risk."),
                "medium": _number("At a medium risk."),
                "high": _number("At a high risk."),
                "critical": _number(
                    "At a critical risk. Without it, as many as at a high one.", type=["integer", "null"]
                ),
            },
            "additionalProperties": False,
            "required": ["low", "medium", "high"],
        }
    },
}

_TYPES = {"string": "a text", "object": "a table"}


def text() -> str:
    """The schema as JSON."""
    return json.dumps(SCHEMA)


def findings(value: Any) -> list[Finding]:
    """All mistakes against the schema, each with pointer and message."""
    return list(_visit(SCHEMA, value, ""))


def _visit(schema: dict[str, Any], value: Any, at: str) -> Iterator[Finding]:
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_fits(name, value) for name in types):
        # A number is only called whole if the value is one that is not.
        number = "a whole number" if isinstance(value, float) else "a number"
        wanted = " or ".join(_TYPES.get(name, number) for name in types if name != "null")
        yield at, f"expected {wanted}, got {_got(value)}"
    elif isinstance(value, dict):
        yield from _visit_members(schema, value, at)
    elif isinstance(value, str) and len(value) < schema.get("minLength", 0):
        yield at, "the text must not be empty"
    elif isinstance(value, int):
        if value < schema["minimum"]:
            yield at, f"expected at least {schema['minimum']}, got {_got(value)}"
        if value > schema["maximum"]:
            yield at, f"expected at most {schema['maximum']}, got {_got(value)}"


def _visit_members(schema: dict[str, Any], members: dict[str, Any], at: str) -> Iterator[Finding]:
    for key in schema["required"]:
        if key not in members:
            yield at, f"`{key}` is missing"
    known = schema["properties"]
    for key in sorted(members):
        place = f"{at}/{key.replace('~', '~0').replace('/', '~1')}"
        if key in known:
            yield from _visit(known[key], members[key], place)
        else:
            names = ", ".join(f"`{name}`" for name in sorted(known))
            yield place, f"unknown key `{key}`; known keys: {names}"


def _fits(name: str, value: Any) -> bool:
    match name:
        case "integer":
            # In Python, `True` is an `int`.
            return isinstance(value, int) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "object":
            return isinstance(value, dict)
        case _:
            return value is None


def _got(value: Any) -> str:
    match value:
        case dict():
            return "a table"
        case list():
            return "a list"
        case None:
            return "nothing"
        case str():
            return f'text "{value}"' if len(value) <= 60 else f'text "{value[:60]}…"'
        case _:
            return json.dumps(value)
