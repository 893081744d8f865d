"""Takes a snapshot and shows what it came to: backup.py SOURCE REPOSITORY."""

from __future__ import annotations

import sys

import linkdest


def show(progress: linkdest.Progress) -> None:
    print(f"\r{progress.entries} entries, {progress.bytes} bytes", end="", file=sys.stderr)


def main(source: str, repository: str) -> int:
    try:
        report = linkdest.snapshot(source, repository, init=True, progress=show)
    except linkdest.Locked:
        print("another run is under way", file=sys.stderr)
        return 11
    except linkdest.LinkdestError as error:
        print(error, file=sys.stderr)
        return 1
    print(file=sys.stderr)
    for problem in report.problems:
        print(problem, file=sys.stderr)
    print(f"{report.path}: {report.counts.files_linked} files linked, {report.counts.files_copied} copied")
    for snapshot in linkdest.Repository(repository).snapshots():
        print(snapshot.name, snapshot.started.astimezone(), snapshot.status)
    return 0 if report.status == "complete" else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
