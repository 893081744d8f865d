"""What notebooks show of a result: `_repr_html_`."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import without_privileges

import linkdest

EVIL = "<script>alert('1')</script>&\"\n\x1b[2J"


class Parsed(HTMLParser):
    """The elements and the text of a piece of HTML; every element must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.elements.add(tag)
        assert all(name == "style" for name, _ in attrs), attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


TABLE = {"table", "caption", "code", "tbody", "tr", "th", "td", "ul", "li"}


def shown(result: Any) -> str:
    parsed = Parsed(result._repr_html_())
    assert "table" in parsed.elements
    assert parsed.elements <= TABLE
    return "|".join(parsed.text)


@pytest.fixture
def results(public_tmp: Path) -> list[Any]:
    """Results of all kinds, of a tree with a name like markup, that could not be read."""
    with without_privileges():
        source = public_tmp / EVIL.replace("/", "")
        source.mkdir()
        hidden = source / EVIL.replace("/", "")
        hidden.write_text("secret")
        (source / "notes").write_text("hello")
        hidden.chmod(0)
        repository = public_tmp / "<i>repository"
        first = linkdest.snapshot(source, repository, init=True)
        opened = linkdest.Repository(repository)
        hidden.chmod(0o600)
        (source / "notes").write_text("x" * 5000)
        second = linkdest.snapshot(source, repository)
        os.utime(second.path / "notes", (0, 0))
        return [
            first,
            first.counts,
            *opened.snapshots(),
            *opened.runs(),
            opened.usage(),
            opened.report(daily=7),
            opened.verify(),
            opened.reindex(dry_run=True, all=True),
            opened.restore("latest", public_tmp / EVIL.replace("/", ":")),
            opened.restore("latest", public_tmp / "second").counts,
            linkdest.replicate(repository, public_tmp / "<b>replica", init=True),
            opened.expunge(hidden.name, dry_run=True),
        ]


def test_every_result_is_a_table_in_which_names_are_no_markup(results: list[Any]) -> None:
    told = [shown(result) for result in results]
    evil = [text for text in told if "<script>" in text]
    assert len(evil) >= 5, told
    # Control characters are told as the bytes that they are.
    assert all("\x1b" not in text and "\n" not in text for text in told)
    assert all("\\x1b" in text for text in evil)
    assert any("<i>repository" in text for text in told)


def test_a_table_has_the_figures(source: Path, repository: Path) -> None:
    (source / "large").write_bytes(b"x" * 1_500_000)
    report = linkdest.snapshot(source, repository, init=True)
    text = shown(report)
    assert text.startswith(f"snapshot |{report.snapshot}|status|complete|entries|5|files|0 linked, ")
    assert "1.4 MiB" in text
    assert "entries|5|directories|1|" in shown(report.counts)


def test_a_long_list_is_cut_and_says_so(public_tmp: Path) -> None:
    with without_privileges():
        source = public_tmp / "source"
        source.mkdir()
        for number in range(1030):
            (source / str(number)).touch(mode=0)
        report = linkdest.snapshot(source, public_tmp / "repository", init=True)
    text = shown(report)
    assert text.count("unreadable") == 20
    assert "|1,010 more|" in text


def test_what_others_made(tmp_path: Path) -> None:
    (tmp_path / "2026-01-02").mkdir()
    (tmp_path / "2026-01-02" / "file").write_text("hello")
    assert "2026-01-02" in shown(linkdest.adopt(tmp_path, dry_run=True))


def test_a_run_by_profile(source: Path, repository: Path, tmp_path: Path) -> None:
    linkdest.Repository.init(repository)
    profile = tmp_path / "laptop.toml"
    profile.write_text(f'source = "{source}"\nrepository = "{repository}"\n[keep]\nlast = 1\n')
    report = linkdest.run(profile)
    assert f"{report.snapshot.snapshot}|exit code|0|log|" in shown(report)
