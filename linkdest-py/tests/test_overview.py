from __future__ import annotations

from pathlib import Path

import pytest

import linkdest


@pytest.fixture
def opened(source: Path, repository: Path) -> linkdest.Repository:
    """Two snapshots; a directory with a name that is no markup grew."""
    linkdest.snapshot(source, repository, init=True)
    (source / "<b>").mkdir()
    (source / "<b>" / "new").write_bytes(b"x" * 5000)
    linkdest.snapshot(source, repository)
    return linkdest.Repository(repository)


def test_what_grew(opened: linkdest.Repository, source: Path) -> None:
    report = opened.report()
    assert [snapshot.name for snapshot in report.snapshots] == [snapshot.name for snapshot in opened.snapshots()]
    assert [(one.path, one.bytes, one.files) for one in report.growth] == [(Path(""), 5000, 1), (Path("<b>"), 5000, 1)]
    assert report.growth[0].source == source
    assert report.available > 0
    assert report.goes is None
    assert report.made.tzinfo is not None


def test_what_goes(opened: linkdest.Repository) -> None:
    report = opened.report(last=1)
    assert report.goes is not None
    (first, now), (second, _) = report.goes
    assert [first, second] == [snapshot.name for snapshot in opened.snapshots()]
    assert now == report.made.replace(microsecond=0)
    assert opened.forget(last=1, dry_run=True) == [first]
    with pytest.raises(ValueError, match="2y5m7d3h"):
        opened.report(within="soon")


def test_a_page(opened: linkdest.Repository) -> None:
    page = opened.report(daily=7).to_html()
    assert page.startswith("<!doctype html>")
    assert "&lt;b&gt;" in page
    assert "<b>new" not in page
    assert "http" not in page.replace("http-equiv", "")
