#!/usr/bin/env python3
"""Turns CSV exports of an ITSM tool and a CMDB into entries of registers, one in each line.

    cmdb-to-registers.py changes changes.csv > changes.ndjson
    cmdb-to-registers.py instances configuration-items.csv > instances.ndjson

The names of columns and states are those of one tool. Adapt the tables below to yours.
"""

import csv
import json
import sys
from datetime import datetime, timezone

CATEGORIES = {"Normal": "normal", "Standard": "standard", "Emergency": "emergency"}
RISKS = {"Low": "low", "Moderate": "medium", "High": "high", "Very High": "critical"}
# What the states of the tool say about the authorisation of a change.
APPROVALS = {
    "New": "requested",
    "Assess": "requested",
    "Authorize": "requested",
    "Rejected": "rejected",
    "Scheduled": "approved",
    "Implement": "approved",
    "Review": "closed",
    "Closed": "closed",
    "Canceled": "withdrawn",
}
STATUSES = {
    "Operational": "running",
    "Non-Operational": "stopped",
    "Repair in Progress": "degraded",
    "Retired": "removed",
}


class WrongRow(Exception):
    """A cell of the export that cannot be translated."""


def known(table, row, column):
    """The word of Lockgate for a word of the tool."""
    try:
        return table[row[column]]
    except KeyError:
        words = ", ".join(sorted(table))
        raise WrongRow(f"`{column}` is `{row[column]}`, and the script knows {words}") from None


def time(row, column):
    """A time of the export, which is in UTC, as RFC 3339. None if the cell is empty."""
    text = row[column]
    if not text:
        return None
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise WrongRow(f"`{column}` is `{text}`, and no time such as `2026-11-24 20:00:00`") from None
    return moment.replace(tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(row, column):
    """A whole number. None if the cell is empty."""
    text = row[column]
    if not text:
        return None
    if not text.isdecimal():
        raise WrongRow(f"`{column}` is `{text}`, and no whole number")
    return int(text)


def present(members):
    """Leaves out what the export does not say: Lockgate has no `null`."""
    return {name: value for name, value in members.items() if value not in (None, "")}


def change(row):
    start, end = time(row, "Planned start"), time(row, "Planned end")
    value = present(
        {
            "id": row["Number"],
            "title": row["Short description"],
            "category": known(CATEGORIES, row, "Type"),
            "approval": known(APPROVALS, row, "State"),
            "approved_by": row["Approved by"],
            "approved_at": time(row, "Approved at"),
            "risk": known(RISKS, row, "Risk"),
            "window": {"start": start, "end": end} if start and end else None,
            "requested_by": row["Requested by"],
            "assignee": row["Assigned to"],
            "system": "itsm",
            "status": row["State"],
        }
    )
    value["releases"] = [row["Release"]] if row["Release"] else []
    return {"value": value, "as_of": time(row, "Updated")}


def instance(row):
    value = present(
        {
            "id": row["Name"],
            "environment": row["Environment"],
            "release": row["Release"],
            "status": known(STATUSES, row, "Status"),
            "owner": row["Owner"],
            "location": row["Location"],
            "consumers": number(row, "Consumers"),
            "monitored": row["Monitored"] == "true",
            "documented": row["Documented"] == "true",
        }
    )
    # An instance joins the deployments of its product to its environment.
    concerns = {"products": [row["Product"]], "environments": [row["Environment"]]}
    return {"value": value, "concerns": concerns, "as_of": time(row, "Updated")}


ENTRIES = {"changes": change, "instances": instance}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ENTRIES:
        print(f"usage: {sys.argv[0]} {'|'.join(ENTRIES)} FILE.csv", file=sys.stderr)
        return 3
    entry, path = ENTRIES[sys.argv[1]], sys.argv[2]
    lines = []
    # A byte order mark, as spreadsheets write it, is skipped.
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        for row in rows:
            try:
                # `as_of` is when the tool last changed the row: so an import leaves unchanged rows as they are.
                lines.append(json.dumps(present(entry(row)), ensure_ascii=False))
            except KeyError as column:
                print(f"{path}: the column {column} is missing", file=sys.stderr)
                return 3
            except WrongRow as wrong:
                print(f"{path}:{rows.line_num}: {wrong}", file=sys.stderr)
                return 3
    # Nothing is printed if a row is wrong: half an export must not be imported.
    sys.stdout.reconfigure(encoding="utf-8")
    for line in lines:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
