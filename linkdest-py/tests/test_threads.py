"""Several threads of one process, each with runs of its own: with the GIL and without it."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import linkdest


def test_runs_into_repositories_of_their_own_at_once(source: Path, tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> tuple[str, int, int]:
        repository = tmp_path / str(number)
        start.wait()
        seen: list[linkdest.Progress] = []
        for _ in range(3):
            report = linkdest.snapshot(source, repository, init=True, progress=seen.append)
        opened = linkdest.Repository(repository)
        assert opened.verify().finding_count == 0
        assert seen
        return report.status, report.counts.files_linked, len(opened.snapshots())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [("complete", 2, 3)] * 8


def test_one_object_may_be_asked_by_many(source: Path, repository: Path) -> None:
    for _ in range(3):
        report = linkdest.snapshot(source, repository, init=True)
    opened = linkdest.Repository(repository)
    filter = linkdest.Filter.parse("- *.o\n")
    start = threading.Barrier(8)

    def ask(_: int) -> tuple[object, ...]:
        start.wait()
        newest = opened.resolve("latest")
        assert not filter.explain("a.o").included
        return repr(report), report.counts, hash(newest), len(list(newest.entries())), opened.diff("latest~2") == []

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(lambda number: ask(number)[2:], range(8)))
    assert answers == {(hash(opened.resolve("latest")), 4, True)}


def test_without_a_gil_it_stays_off() -> None:
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    free_threaded = "free-threading" in sys.version
    assert enabled != free_threaded
