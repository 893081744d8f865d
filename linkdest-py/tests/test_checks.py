from __future__ import annotations

import os
from pathlib import Path

import pytest

import linkdest


@pytest.fixture
def names(source: Path, repository: Path) -> list[str]:
    """Two snapshots of the source."""
    return [linkdest.snapshot(source, repository, init=True).snapshot for _ in range(2)]


def test_sound_snapshots_have_no_findings(repository: Path, names: list[str]) -> None:
    report = linkdest.Repository(repository).verify()
    assert (report.snapshots, report.without_manifest) == (tuple(names), ())
    assert (report.entries, report.files_read, report.bytes_read) == (8, 2, 16)
    assert (report.findings, report.finding_count, report.problems) == ((), 0, ())
    assert (report.resumed, report.damage_noted) == (False, True)
    assert report.duration >= 0
    assert repr(report) == "VerifyReport(snapshots=2, entries=8, findings=0)"


def test_a_finding_tells_all_names(repository: Path, names: list[str]) -> None:
    (repository / names[0] / "notes").write_text("hallo")
    report = linkdest.Repository(repository).verify(["latest"])
    assert report.snapshots == (names[1],)
    (finding,) = report.findings
    assert (finding.kind, finding.cause) == ("content", "tampering")
    assert (finding.snapshot, finding.path) == (names[1], Path("notes"))
    (other,) = finding.shared
    assert (other.snapshot, other.path, other.path_bytes) == (names[0], Path("notes"), b"notes")
    assert str(other) == f"{names[0]}/notes"
    assert str(finding).startswith(f"{names[1]}/notes: content: tampering: ")
    assert finding.message in str(finding)


def test_samples_read_everything_in_turn(repository: Path, names: list[str]) -> None:
    opened = linkdest.Repository(repository)
    read = [opened.verify(sample=50).bytes_read for _ in range(2)]
    assert sum(read) == 16
    for sample in (0, 101, -1, float("nan")):
        with pytest.raises(ValueError, match="at most 100%"):
            opened.verify(sample=sample)


def test_manifests_are_made_anew(repository: Path, names: list[str]) -> None:
    os.unlink(repository / ".linkdest" / "manifests" / f"{names[0]}.ldm")
    opened = linkdest.Repository(repository)
    assert opened.verify().without_manifest == (names[0],)
    would = opened.reindex(dry_run=True)
    assert (would.snapshots, would.dry_run, would.bytes_read) == ((names[0],), True, 0)
    made = opened.reindex()
    assert (made.snapshots, made.dry_run, made.files_read, made.bytes_read) == ((names[0],), False, 2, 16)
    assert made.problems == ()
    assert repr(made) == "ReindexReport(snapshots=1, bytes_read=16)"
    assert opened.reindex([names[0]], trust=True).bytes_read == 0
    assert len(opened.reindex(all=True).snapshots) == 2
    assert opened.verify().finding_count == 0


def test_progress_is_told_and_can_stop_a_check(repository: Path, names: list[str]) -> None:
    seen: list[int] = []
    linkdest.Repository(repository).verify(progress=lambda progress: seen.append(progress.bytes))
    assert seen[-1] == 16

    def stop(progress: linkdest.Progress) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        linkdest.Repository(repository).verify(progress=stop)


def test_arguments_that_make_no_sense_are_refused(repository: Path, names: list[str]) -> None:
    opened = linkdest.Repository(repository)
    with pytest.raises(linkdest.LinkdestError):
        opened.verify(["2001-01-01T000000Z"])
    with pytest.raises(TypeError, match="iterable of names"):
        opened.verify("latest")
    with pytest.raises(ValueError, match="threads"):
        opened.reindex(threads=0)
