from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

import linkdest


def test_a_tiny_run_tells_progress_before_it_publishes(source: Path, repository: Path) -> None:
    seen: list[tuple[int, list[linkdest.Snapshot]]] = []
    opened = linkdest.Repository.init(repository)
    linkdest.snapshot(source, repository, progress=lambda _: seen.append((threading.get_ident(), opened.snapshots())))
    assert seen
    assert set(ident for ident, _ in seen) == {threading.get_ident()}
    assert all(published == [] for _, published in seen)


def test_progress_comes_on_the_thread_that_called(source: Path, repository: Path) -> None:
    seen: list[int] = []

    def run() -> None:
        linkdest.snapshot(source, repository, init=True, progress=lambda _: seen.append(threading.get_ident()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen
    assert set(seen) == {thread.ident}


def test_progress_tells_figures(source: Path, repository: Path) -> None:
    seen: list[linkdest.Progress] = []
    linkdest.snapshot(source, repository, init=True, progress=seen.append)
    for progress in seen:
        counts = progress.counts
        assert isinstance(counts, linkdest.Counts)
        assert (progress.entries, progress.bytes, progress.problems) == (counts.entries, counts.bytes, 0)
        expected = f"Progress(entries={progress.entries}, bytes={progress.bytes}, problems=0)"
        assert repr(progress) == expected
        with pytest.raises(AttributeError):
            setattr(progress, "entries", 1)


def test_progress_comes_at_most_ten_times_a_second(large_source: Path, repository: Path) -> None:
    calls: list[tuple[float, int]] = []

    def note(progress: linkdest.Progress) -> None:
        calls.append((time.monotonic(), progress.entries))

    linkdest.snapshot(large_source, repository, init=True, threads=1, progress=note)
    times, entries = zip(*calls, strict=True)
    assert len(calls) > 1
    # The clock starts in Rust, a little before Python looks at its own.
    assert all(after - before > 0.095 for before, after in zip(times, times[1:]))
    assert len(calls) <= (times[-1] - times[0]) * 10.5 + 1
    assert list(entries) == sorted(entries)


@pytest.mark.parametrize("error", [KeyError("mine"), SystemExit(3), linkdest.Locked("not really")])
def test_an_exception_from_progress_stops_the_run(source: Path, repository: Path, error: BaseException) -> None:
    calls = 0

    def refuse(_: linkdest.Progress) -> None:
        nonlocal calls
        calls += 1
        raise error

    with pytest.raises(type(error)) as raised:
        linkdest.snapshot(source, repository, init=True, progress=refuse)
    assert raised.value is error
    assert calls == 1
    assert linkdest.Repository(repository).snapshots() == []
    assert linkdest.snapshot(source, repository).status == "complete"


def test_an_exception_from_progress_stops_a_long_run_at_once(large_source: Path, repository: Path) -> None:
    raised_at: list[float] = []

    def refuse(_: linkdest.Progress) -> None:
        # The next call is due as soon as this one ends; it must not come.
        time.sleep(0.15)
        raised_at.append(time.monotonic())
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        linkdest.snapshot(large_source, repository, init=True, threads=1, progress=refuse)
    assert len(raised_at) == 1
    assert time.monotonic() - raised_at[0] < 1
    assert linkdest.Repository(repository).snapshots() == []


def test_a_callback_may_use_the_repository(source: Path, repository: Path) -> None:
    def nested(_: linkdest.Progress) -> None:
        with pytest.raises(linkdest.Locked):
            linkdest.snapshot(source, repository)

    assert linkdest.snapshot(source, repository, init=True, progress=nested).status == "complete"


def test_other_threads_run_meanwhile(large_source: Path, repository: Path) -> None:
    """Held, the GIL would stop the other thread from the beginning of the run to its end."""
    ended = threading.Event()
    longest = 0.0

    def tick() -> None:
        nonlocal longest
        last = time.monotonic()
        while not ended.is_set():
            time.sleep(0.001)
            now = time.monotonic()
            longest, last = max(longest, now - last), now

    thread = threading.Thread(target=tick)
    thread.start()
    report = linkdest.snapshot(large_source, repository, init=True, threads=1)
    ended.set()
    thread.join()
    assert longest < report.duration / 2
