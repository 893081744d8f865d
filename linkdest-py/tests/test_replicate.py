from __future__ import annotations

from pathlib import Path

import pytest

import linkdest


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return tmp_path / "second"


def history(source: Path, repository: Path, count: int) -> list[str]:
    (source / "notes").write_text("hello")
    return [linkdest.snapshot(source, repository, init=True).snapshot or "" for _ in range(count)]


def test_replicate_brings_everything_once(source: Path, repository: Path, second: Path) -> None:
    names = history(source, repository, 3)
    planned = linkdest.replicate(repository, second, init=True, dry_run=True)
    assert planned.dry_run and not second.exists()
    assert [one.state for one in planned.replicas] == ["sent"] * 3
    report = linkdest.replicate(repository, second, init=True)
    assert [one.snapshot for one in report.replicas] == names and report.target == second
    assert (report.status, report.problems, report.removed, report.dry_run) == ("complete", (), (), False)
    assert report.replicas[0].counts.files_copied == report.counts.files_copied > 0
    assert "replicas=3" in repr(report) and "sent" in repr(report.replicas[0]) and report.duration >= 0
    assert [one.name for one in linkdest.Repository(second).snapshots()] == names
    inodes = {(second / name / "notes").stat().st_ino for name in names}
    assert len(inodes) == 1
    assert linkdest.Repository(second).verify().finding_count == 0
    made_in = {run.replica_of for run in linkdest.Repository(second).runs()}
    assert made_in == {linkdest.Repository(repository).id}
    assert linkdest.Repository(repository).runs()[0].replica_of is None
    again = linkdest.replicate(repository, second)
    assert {one.state for one in again.replicas} == {"present"} and again.counts.entries == 0
    assert again.replicas[0] != report.replicas[0]


def test_replicate_brings_what_is_named_and_kept(source: Path, repository: Path, second: Path) -> None:
    names = history(source, repository, 4)
    linkdest.replicate(repository, second, init=True, snapshots=["latest~3", names[1]])
    assert [one.name for one in linkdest.Repository(second).snapshots()] == names[:2]
    report = linkdest.replicate(repository, second, keep={"last": 1}, bandwidth=1 << 30)
    assert [one.state for one in report.replicas] == ["present", "present", "not_kept", "sent"]
    assert report.removed == tuple(names[:2])
    report = linkdest.replicate(repository, second, keep={"last": 1, "within": "1d"}, dry_run=True)
    assert [one.state for one in report.replicas] == ["sent"] * 3 + ["present"]
    assert linkdest.Repository(second).snapshots()[-1].name == names[3]


def test_replicate_refuses_what_cannot_be_meant(source: Path, repository: Path, second: Path) -> None:
    history(source, repository, 1)
    with pytest.raises(linkdest.NotARepository):
        linkdest.replicate(repository, second)
    with pytest.raises(linkdest.LinkdestError):
        linkdest.replicate(repository, repository)
    with pytest.raises(linkdest.LinkdestError):
        linkdest.replicate(repository, second, init=True, snapshots=["2001-01-01"])
    for wrong in ({"daily": "7"}, {"within": 3}, {"dayly": 1}, {"within": "soon"}):
        with pytest.raises(ValueError):
            linkdest.replicate(repository, second, init=True, keep=wrong)
    with pytest.raises(ValueError):
        linkdest.replicate(repository, second, init=True, bandwidth=0)
    assert not second.exists()


def test_progress_stops_replicating_and_it_goes_on(source: Path, repository: Path, second: Path) -> None:
    class Stop(Exception):
        pass

    def progress(_: linkdest.Progress) -> None:
        raise Stop

    names = history(source, repository, 2)
    with pytest.raises(Stop):
        linkdest.replicate(repository, second, init=True, progress=progress)
    assert linkdest.replicate(repository, second).status == "complete"
    assert [one.name for one in linkdest.Repository(second).snapshots()] == names
