"""Shows the largest files of the newest snapshot, and with rules what those leave out: largest.py REPOSITORY [RULES]."""

from __future__ import annotations

import heapq
import sys
from pathlib import Path

import linkdest


def main(repository: str, rules: str | None = None) -> int:
    snapshot = linkdest.Repository(repository).resolve("latest")
    files = (entry for entry in snapshot.entries() if entry.kind == "file")
    rest = linkdest.Filter.from_file(rules) if rules else linkdest.Filter.parse("")
    for entry in heapq.nlargest(10, files, key=lambda entry: entry.size):
        why = rest.explain(entry.path)
        print(f"{entry.size:>15,}  {Path(snapshot) / entry.path}{'' if why.included else f'  ({why})'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
