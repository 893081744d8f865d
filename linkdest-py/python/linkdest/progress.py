"""Progress bars for whatever takes `progress`, drawn by tqdm or rich, whichever is installed.

    with linkdest.progress.tqdm() as bar:
        linkdest.snapshot("/home/me", "/mnt/backup/laptop", progress=bar)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from linkdest._linkdest import Progress

__all__ = ["Bar", "rich", "tqdm"]


class Bar:
    """A progress bar: called with the figures of a run, it shows them.

    It is gone at the end of its `with` block, after `close()`, or when nobody holds it any more, so that
    `progress=linkdest.progress.tqdm()` is enough for one run. Closed, it is drawn anew by the next call. That it cannot
    be drawn, because the terminal is gone, is no reason to stop a backup: it is silent from then on.
    """

    _broken = False

    def __call__(self, progress: Progress, /) -> None:
        """Shows the figures."""
        if not self._broken:
            with self._drawing():
                self._show(progress)

    def close(self) -> None:
        """Takes the bar off the screen."""
        with self._drawing():
            self._close()

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._broken = True
        except SystemExit as error:
            # That is what rich makes of a pipe that nobody reads.
            if not isinstance(error.__context__, BrokenPipeError):
                raise
            self._broken = True
        except Exception:
            # A bar that could not be begun cannot be ended.
            if not self._broken:
                raise

    def _show(self, progress: Progress) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError


def tqdm(**keywords: Any) -> Bar:
    """Makes a bar of tqdm's, in a notebook too. `keywords` are those of `tqdm.tqdm`: `desc`, `file`, `leave` ...

    Raises ImportError where tqdm is not installed: `pip install 'linkdest[tqdm]'`.
    """
    from tqdm.auto import tqdm as bar

    return _Tqdm(bar, {"unit": " entries", "leave": False} | keywords)


def rich(description: str = "linkdest", **keywords: Any) -> Bar:
    """Makes a bar of rich's. `keywords` are those of `rich.progress.Progress`: `console`, `transient` ...

    Raises ImportError where rich is not installed: `pip install 'linkdest[rich]'`.
    """
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[figures]}"),
    )
    return _Rich(progress.Progress, columns, {"transient": True} | keywords, description)


class _Tqdm(Bar):
    _bar: Any = None

    def __init__(self, make: Any, keywords: dict[str, Any]) -> None:
        self._make = make
        self._keywords = keywords

    def _show(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar = self._make(**({"total": progress.expected} | self._keywords))
        self._bar.set_postfix_str(_size(progress.bytes), refresh=False)
        # tqdm leaves out what comes soon after the last figures; these never come more than ten times a second.
        if not self._bar.update(progress.entries - self._bar.n):
            self._bar.refresh()

    def _close(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()


class _Rich(Bar):
    _bar: Any = None

    def __init__(self, make: Any, columns: tuple[Any, ...], keywords: dict[str, Any], description: str) -> None:
        self._make = make
        self._columns = columns
        self._keywords = keywords
        self._description = description

    def _show(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar = self._make(*self._columns, **self._keywords)
            self._task = self._bar.add_task(self._description, figures="")
            self._bar.start()
        figures = f"{progress.entries:,} entries, {_size(progress.bytes)}"
        self._bar.update(self._task, total=progress.expected, completed=progress.entries, figures=figures)

    def _close(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()


def _size(number: int) -> str:
    """A number of bytes, as people say it."""
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} PiB"
