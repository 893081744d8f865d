from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

import linkdest


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """What a script left: two snapshots that share a file, and an empty directory."""
    old = tmp_path / "old"
    for day in ("2024-06-01T020000", "2024-06-02T02:00:00Z"):
        (old / day).mkdir(parents=True)
    (old / "2024-06-01T020000").rename(old / "2024-06-01T02:00:00Z")
    (old / "2024-06-01T02:00:00Z" / "notes").write_text("hello")
    (old / "2024-06-02T02:00:00Z" / "notes").hardlink_to(old / "2024-06-01T02:00:00Z" / "notes")
    (old / "2024-06-03").mkdir()
    return old


def test_adopt_takes_over_what_is_there(old: Path, source: Path) -> None:
    planned = linkdest.adopt(old, dry_run=True)
    assert planned.dry_run and not (old / ".linkdest").exists()
    report = linkdest.adopt(old)
    assert report.adoptions == planned.adoptions
    assert (report.new_repository, report.known, report.files_read, report.bytes_read) == (True, 0, 1, 5)
    assert (report.problems, report.problem_count, report.dry_run) == ((), 0, False)
    assert report.passed_over == ((Path("2024-06-03"), "is empty"),)
    first = report.adoptions[0]
    assert (first.snapshot, first.tree, first.tool) == ("2024-06-01T020000Z", Path("2024-06-01T02:00:00Z"), "rsync script")
    assert (first.started, first.sequence) == (datetime(2024, 6, 1, 2, tzinfo=timezone.utc), 0)
    assert "2024-06-01T02:00:00Z" in repr(first) and "adoptions=2" in repr(report) and report.duration >= 0
    snapshots = linkdest.Repository(old).snapshots()
    assert [(one.adopted, one.new_bytes, one.problems) for one in snapshots] == [(True, 5, 0), (True, 0, 0)]
    assert snapshots[1].path == old / "2024-06-02T02:00:00Z"
    assert linkdest.Repository(old).verify().finding_count == 0
    assert linkdest.adopt(old).known == 2
    assert not linkdest.Repository(old).snapshots()[0] == linkdest.snapshot(source, old)


def test_what_is_not_known_is_not_adopted(source: Path, tmp_path: Path) -> None:
    for path in (source, tmp_path / "absent"):
        with pytest.raises(linkdest.NotARepository):
            linkdest.adopt(path)
    assert not (source / ".linkdest").exists()


def test_progress_stops_an_adoption_and_it_goes_on(old: Path) -> None:
    class Stop(Exception):
        pass

    def progress(_: linkdest.Progress) -> None:
        raise Stop

    with pytest.raises(Stop):
        linkdest.adopt(old, progress=progress)
    linkdest.adopt(old)
    assert linkdest.Repository(old).verify().without_manifest == ()


def test_runs_tell_what_was_done(old: Path, source: Path, repository: Path) -> None:
    report = linkdest.snapshot(source, repository, init=True)
    (run,) = linkdest.Repository(repository).runs()
    assert (run.snapshot, run.sequence, run.status, run.policy) == (report.snapshot, 1, "complete", "quick")
    assert (run.source, run.adopted, run.tree, run.problems) == (source, False, None, ())
    assert run.counts == report.counts and run.ended is not None and run.ended >= run.started
    assert run.host and "complete" in repr(run)
    linkdest.adopt(old)
    run = linkdest.Repository(old).runs()[0]
    assert (run.adopted, run.tree, run.source, run.ended) == (True, Path("2024-06-01T02:00:00Z"), None, None)


def test_a_repository_adopts_what_was_put_into_it_since(old: Path) -> None:
    repository = linkdest.Repository.init(old.parent / "repository")
    (old / "2024-06-01T02:00:00Z").rename(old.parent / "repository" / "2024-06-01")
    assert len(repository.adopt(dry_run=True).adoptions) == 1
    assert not repository.adopt(threads=1).new_repository
    assert [snapshot.adopted for snapshot in repository.snapshots()] == [True]
