from __future__ import annotations

import os
from pathlib import Path

import pytest

import linkdest


@pytest.fixture
def opened(source: Path, repository: Path) -> linkdest.Repository:
    linkdest.snapshot(source, repository, init=True)
    return linkdest.Repository(repository)


def test_a_snapshot_is_put_back(opened: linkdest.Repository, tmp_path: Path) -> None:
    target = tmp_path / "target"
    called: list[int] = []
    planned = opened.restore("latest", target, dry_run=True)
    assert (planned.dry_run, planned.counts.files_copied, target.exists()) == (True, 2, False)
    report = opened.restore("latest", target, threads=1, progress=lambda so_far: called.append(so_far.entries))
    assert (report.status, report.problems, report.dry_run) == ("complete", (), False)
    assert (report.snapshot, report.target) == (opened.snapshots()[0].name, target)
    assert (report.counts.entries, report.counts.files_copied, report.counts.bytes_copied) == (4, 2, 16)
    assert report.duration > 0 and called
    assert (target / "docs" / "letter").read_text() == "dear reader"
    assert os.readlink(target / "link") == "notes"
    again = opened.restore("latest", os.fsencode(target))
    assert (again.counts.unchanged, again.counts.bytes_copied) == (4, 0)


def test_what_is_there_already_is_up_to_overwrite(opened: linkdest.Repository, tmp_path: Path) -> None:
    target = tmp_path / "target"
    opened.restore("latest", target, "docs")
    letter = target / "letter"
    times = (letter.stat().st_atime_ns, letter.stat().st_mtime_ns)
    letter.write_text("DEAR READER")
    os.utime(letter, ns=times)
    (target / "extra").write_text("x")
    assert opened.restore("latest", target, "docs").counts.files_copied == 0
    assert opened.restore("latest", target, "docs", "never").counts.kept == 1
    assert letter.read_text() == "DEAR READER"
    report = opened.restore("latest", target, "docs", delete=True, checksum=True)
    assert (report.counts.files_copied, report.counts.deleted) == (1, 1)
    assert letter.read_text() == "dear reader" and not (target / "extra").exists()
    assert opened.restore("latest", target, "docs", overwrite="always").counts.files_copied == 1
    report = opened.restore("latest", tmp_path / "one", "docs/letter")
    assert (tmp_path / "one").read_text() == "dear reader"


def test_what_cannot_be_asked_for(opened: linkdest.Repository, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="if-changed"):
        opened.restore("latest", tmp_path / "t", overwrite="sometimes")  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        opened.restore("latest", tmp_path / "t", "../docs")
    with pytest.raises(linkdest.LinkdestError):
        opened.restore("latest", tmp_path / "t", "none")
    with pytest.raises(linkdest.LinkdestError):
        opened.restore("2000-01-01T000000Z", tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_an_exception_of_the_callback_stops_it(opened: linkdest.Repository, tmp_path: Path) -> None:
    def stop(_: linkdest.Progress) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        opened.restore("latest", tmp_path / "t", progress=stop)


def test_a_path_is_expunged(source: Path, opened: linkdest.Repository, tmp_path: Path) -> None:
    os.link(source / "notes", source / "notes too")
    name = linkdest.snapshot(source, opened.path).snapshot
    planned = opened.expunge("notes", dry_run=True)
    assert (planned.dry_run, len(planned.entries), opened.expunged()) == (True, 2, [])
    assert [(other.snapshot, other.path) for other in planned.other_names] == [(name, Path("notes too"))]
    report = opened.expunge(b"notes", ["latest"], links=True)
    assert (report.dry_run, report.other_names) == (False, ())
    assert [entry.path for entry in report.entries] == [Path("notes"), Path("notes too")]
    assert opened.expunged() == list(report.entries)
    assert {(entry.snapshot, entry.kind) for entry in report.entries} == {(name, "file")}
    assert report.entries[0].time.tzinfo is not None and report.entries[0].path_bytes == b"notes"
    assert [version.expunged for version in opened.versions("notes")] == [False, True]
    assert [change.change for change in opened.diff("latest~1") if change.path == Path("notes")] == ["expunged"]
    checked = opened.verify()
    assert (checked.expunged, checked.findings) == (2, ())
    with pytest.raises(linkdest.LinkdestError, match="expunged"):
        opened.restore("latest", tmp_path / "t", "notes")
    with pytest.raises(linkdest.LinkdestError):
        opened.expunge("none")
    assert (opened.path / name / "docs" / "letter").exists()
