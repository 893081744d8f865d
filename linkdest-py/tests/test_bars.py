from __future__ import annotations

import gc
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rich.console

import linkdest


def tqdm_on(file: io.StringIO) -> linkdest.progress.Bar:
    return linkdest.progress.tqdm(file=file, mininterval=0, desc="home")


def rich_on(file: io.StringIO) -> linkdest.progress.Bar:
    console = rich.console.Console(file=file, force_terminal=True, width=120)
    return linkdest.progress.rich("home", console=console)


BARS: list[Callable[[io.StringIO], linkdest.progress.Bar]] = [tqdm_on, rich_on]


@pytest.mark.parametrize("bar_on", BARS)
def test_a_bar_shows_a_run_and_is_gone_afterwards(
    source: Path, repository: Path, bar_on: Callable[[io.StringIO], linkdest.progress.Bar]
) -> None:
    linkdest.snapshot(source, repository, init=True)
    screen = io.StringIO()
    with bar_on(screen) as bar:
        report = linkdest.snapshot(source, repository, progress=bar)
    assert report.status == "complete"
    assert "home" in screen.getvalue()
    assert "entries" in screen.getvalue()
    drawn = len(screen.getvalue())
    bar.close()
    assert len(screen.getvalue()) == drawn


@pytest.mark.parametrize("bar_on", BARS)
def test_the_figures_are_those_of_the_run(
    large_source: Path, repository: Path, bar_on: Callable[[io.StringIO], linkdest.progress.Bar]
) -> None:
    linkdest.snapshot(large_source, repository, init=True)
    screen, seen = io.StringIO(), list[linkdest.Progress]()
    with bar_on(screen) as bar:

        def both(progress: linkdest.Progress) -> None:
            bar(progress)
            seen.append(progress)

        linkdest.snapshot(large_source, repository, threads=1, progress=both)
    last = seen[-1]
    assert last.expected == 40_040
    assert last.fraction == min(last.entries / 40_040, 0.99)
    # tqdm counts as 39999/40040, rich as 39,999 entries.
    assert f"{last.entries}/40040" in screen.getvalue() or f"{last.entries:,} entries" in screen.getvalue()


def test_the_first_run_of_all_has_nothing_to_expect(source: Path, repository: Path) -> None:
    seen: list[linkdest.Progress] = []
    screen = io.StringIO()
    with rich_on(screen) as bar:

        def both(progress: linkdest.Progress) -> None:
            bar(progress)
            seen.append(progress)

        linkdest.snapshot(source, repository, init=True, progress=both)
    assert {(progress.expected, progress.fraction) for progress in seen} == {(None, None)}
    assert "home" in screen.getvalue()


def test_a_bar_for_one_run_need_not_be_kept(source: Path, repository: Path) -> None:
    screen = io.StringIO()
    linkdest.snapshot(source, repository, init=True, progress=linkdest.progress.tqdm(file=screen))
    gc.collect()
    # Taken off the screen again.
    assert screen.getvalue().rstrip("\r").endswith(" ")


def test_a_bar_may_be_used_again(source: Path, repository: Path) -> None:
    screen = io.StringIO()
    bar = tqdm_on(screen)
    for _ in range(2):
        linkdest.snapshot(source, repository, init=True, progress=bar)
        bar.close()
        assert "home" in screen.getvalue()
        screen.truncate(0)


class Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_a_terminal_that_is_gone_stops_no_backup(source: Path, repository: Path) -> None:
    with tqdm_on(Gone()) as bar:
        assert linkdest.snapshot(source, repository, init=True, progress=bar).status == "complete"
    with rich_on(Gone()) as bar:
        assert linkdest.snapshot(source, repository, progress=bar).status == "complete"


@pytest.mark.parametrize("name", ["tqdm", "rich"])
def test_what_is_not_installed_is_told_before_the_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make: Any = getattr(linkdest.progress, name)
    monkeypatch.setitem(__import__("sys").modules, {"tqdm": "tqdm.auto", "rich": "rich"}[name], None)
    with pytest.raises(ImportError, match=name):
        make()
