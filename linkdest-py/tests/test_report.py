from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from conftest import without_privileges

import linkdest


def recorded_counts(repository: Path, snapshot: str) -> dict[str, int]:
    """The figures as the core wrote them down."""
    text = (repository / ".linkdest" / "runs" / f"{snapshot}.toml").read_text()
    table = text.partition("[counts]\n")[2].partition("\n[")[0]
    return {name: int(number) for name, number in (line.split(" = ") for line in table.split("\n") if line)}


def test_a_report_says_what_was_done(source: Path, repository: Path) -> None:
    report = linkdest.snapshot(source, repository, init=True)
    assert report.path == repository / report.snapshot
    assert report.path.is_dir()
    assert isinstance(report.path, Path)
    assert (report.status, report.suspect, report.problems) == ("complete", False, ())
    assert isinstance(report.duration, float)
    assert 0 < report.duration < 60
    counts = report.counts
    assert (counts.entries, counts.directories, counts.other_created) == (4, 1, 1)
    assert (counts.files_copied + counts.files_cloned, counts.files_linked) == (2, 0)
    assert counts.bytes == len("dear reader") + len("hello")


def test_counts_are_those_that_the_core_recorded(source: Path, repository: Path) -> None:
    linkdest.snapshot(source, repository, init=True)
    (source / "notes").write_text("more than before")
    report = linkdest.snapshot(source, repository)
    recorded = recorded_counts(repository, report.snapshot)
    shown = {name for name in dir(report.counts) if not name.startswith("_")}
    assert shown == set(recorded)
    assert {name: getattr(report.counts, name) for name in shown} == recorded


def test_reports_cannot_be_changed(source: Path, repository: Path) -> None:
    report = linkdest.snapshot(source, repository, init=True)
    for thing, name in [(report, "status"), (report, "extra"), (report.counts, "entries")]:
        with pytest.raises(AttributeError):
            setattr(thing, name, 1)


def test_only_repositories_are_made_from_python() -> None:
    for made in [linkdest.SnapshotReport, linkdest.Counts, linkdest.Problem, linkdest.Progress, linkdest.Snapshot]:
        with pytest.raises(TypeError):
            made()


def test_equal_figures_are_equal(source: Path, tmp_path: Path) -> None:
    a, b = (linkdest.snapshot(source, tmp_path / name, init=True).counts for name in "ab")
    (source / "new").touch()
    c = linkdest.snapshot(source, tmp_path / "c", init=True).counts
    assert a == b
    assert a != c
    assert a != 3


def test_representations_tell_what_a_thing_is(source: Path, repository: Path) -> None:
    report = linkdest.snapshot(source, repository, init=True)
    expected = f"SnapshotReport(snapshot='{report.snapshot}', status='complete', entries=4, problems=0)"
    assert repr(report) == expected
    assert repr(report.counts).startswith("Counts(entries=4, directories=1, files_linked=0, ")


def test_what_cannot_be_read_is_returned_not_raised(public_tmp: Path) -> None:
    name = b"sec\xffret\n"
    with without_privileges():
        source = public_tmp / "source"
        source.mkdir()
        (source / "open").write_text("read me")
        hidden = os.fsencode(source) + b"/" + name
        os.close(os.open(hidden, os.O_CREAT | os.O_WRONLY))
        os.chmod(hidden, 0)
        report = linkdest.snapshot(source, public_tmp / "repository", init=True)
        again = linkdest.snapshot(source, public_tmp / "repository")
        listed = linkdest.Repository(public_tmp / "repository").snapshots()
    assert (report.path / "open").read_text() == "read me"
    assert (report.status, report.counts.problems) == ("problems", 1)
    assert [snapshot.status for snapshot in listed] == ["problems", "problems"]
    (problem,) = report.problems
    assert (problem.path_bytes, problem.path) == (name, Path(os.fsdecode(name)))
    assert (problem.kind, problem.operation, problem.errno) == ("unreadable", "open", errno.EACCES)
    assert "ermission denied" in problem.message
    assert str(problem).startswith(r"sec\xffret\x0a: unreadable: open: ")
    assert repr(problem).startswith(f"Problem(path={os.fsdecode(name)!r}, kind='unreadable', operation='open', ")
    assert (problem,) == again.problems
