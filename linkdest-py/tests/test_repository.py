from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import linkdest


def test_a_new_repository_is_empty_and_has_a_name(repository: Path) -> None:
    made = linkdest.Repository.init(repository)
    opened = linkdest.Repository(repository)
    assert (made.path, made.snapshots()) == (repository, [])
    assert isinstance(opened.path, Path)
    assert opened.id == made.id
    assert len(bytes.fromhex(made.id)) == 16
    assert repr(opened) == f"Repository({str(repository)!r})"


def test_snapshots_are_listed_the_oldest_first(source: Path, repository: Path) -> None:
    before = datetime.now(timezone.utc)
    reports = [linkdest.snapshot(source, repository, init=True) for _ in range(3)]
    after = datetime.now(timezone.utc)
    listed = linkdest.Repository(repository).snapshots()
    assert isinstance(listed, list)
    assert [snapshot.name for snapshot in listed] == [report.snapshot for report in reports]
    assert [snapshot.path for snapshot in listed] == [report.path for report in reports]
    # The clock of file systems and kernels may lag by a tick.
    tick = timedelta(milliseconds=20)
    times = [before - tick, *(snapshot.started for snapshot in listed), after]
    assert times == sorted(times)


def test_a_snapshot_tells_what_is_known_of_it(source: Path, repository: Path) -> None:
    report = linkdest.snapshot(source, repository, init=True)
    (snapshot,) = linkdest.Repository(repository).snapshots()
    assert (snapshot.status, snapshot.suspect, snapshot.pinned) == ("complete", False, False)
    assert (snapshot.entry_count, snapshot.bytes) == (report.counts.entries, report.counts.bytes) == (4, 16)
    assert snapshot.started.tzinfo is timezone.utc
    assert f"{snapshot.started:%Y-%m-%dT%H%M%SZ}" == snapshot.name
    assert repr(snapshot) == f"Snapshot(name='{snapshot.name}', status='complete')"
    with pytest.raises(AttributeError):
        setattr(snapshot, "pinned", True)


def test_a_snapshot_is_there_without_its_record(source: Path, repository: Path) -> None:
    report = linkdest.snapshot(source, repository, init=True)
    (repository / ".linkdest" / "runs" / f"{report.snapshot}.toml").unlink()
    (snapshot,) = linkdest.Repository(repository).snapshots()
    assert (snapshot.status, snapshot.entry_count, snapshot.bytes) == ("complete", None, None)
    assert snapshot.started.microsecond == 0


@pytest.mark.parametrize("name", ["1969-12-31T235959Z", "0001-01-01T000000Z", "9999-12-30T220000Z"])
def test_times_far_away_are_told_as_well(repository: Path, name: str) -> None:
    linkdest.Repository.init(repository)
    (repository / name).mkdir()
    (snapshot,) = linkdest.Repository(repository).snapshots()
    expected = datetime.strptime(name, "%Y-%m-%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    assert snapshot.started == expected


def test_equal_snapshots_are_equal(source: Path, repository: Path) -> None:
    for _ in range(2):
        linkdest.snapshot(source, repository, init=True)
    first = linkdest.Repository(repository).snapshots()
    second = linkdest.Repository(repository).snapshots()
    assert first == second
    assert first[0] != first[1]
    assert len({*first, *second}) == 2


def test_an_open_repository_sees_new_snapshots(source: Path, repository: Path) -> None:
    opened = linkdest.Repository.init(repository)
    linkdest.snapshot(source, repository)
    assert len(opened.snapshots()) == 1
