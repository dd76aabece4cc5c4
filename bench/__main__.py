"""Print the table: `python -m bench [--only NAME] [--quick] [--json] [--large]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module

from bench.measure import FULL, QUICK, Effort, Row, table

TOPICS = ("in_process", "served", "plugin", "smtp", "sink", "worlds", "mailboxes", "pages", "start", "suite")


def main() -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=TOPICS, help="measure this alone; may be repeated")
    parser.add_argument("--quick", action="store_true", help="few rounds: a first impression in half a minute")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--large", action="store_true", help="worlds of a million messages; takes minutes and 3 GB")
    given = parser.parse_args()
    effort = replace(QUICK if given.quick else FULL, large=given.large)
    rows = measured(given.only or TOPICS, effort)
    print(json.dumps([row.as_json() for row in rows], ensure_ascii=False, indent=1) if given.json else table(rows))


def measured(topics: Iterable[str], effort: Effort) -> list[Row]:
    """Return the rows of the topics; each is told on stderr when it is there."""
    rows = []
    for topic in topics:
        for row in import_module(f"bench.{topic}").run(effort):
            rows.append(row)
            print(row.what, "...", f"{row.ratio:.2f}", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    main()
