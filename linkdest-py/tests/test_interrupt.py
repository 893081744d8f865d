from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import pytest

import linkdest

# A shell that runs the tests in the background may have told them to ignore SIGINT.
CHILD = """
import signal, sys, linkdest
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    linkdest.snapshot(sys.argv[1], sys.argv[2], threads=1)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def wait_for_staging(repository: Path) -> None:
    """Waits until a run is well under way: its tree has something in it."""
    deadline = time.monotonic() + 20
    while not any((repository / ".linkdest").glob("staging/*/tree/*")):
        assert time.monotonic() < deadline, "the run does not begin"
        time.sleep(0.005)


def test_ctrl_c_from_outside_stops_a_run_without_a_callback(large_source: Path, repository: Path) -> None:
    opened = linkdest.Repository.init(repository)
    command = [sys.executable, "-c", CHILD, str(large_source), str(repository)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        wait_for_staging(repository)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        assert child.stdout is not None
        assert child.stdout.readline() == "interrupted\n"
        took = time.monotonic() - sent
    assert child.returncode == 0
    # A tenth of a second by itself; the machine may be busy.
    assert took < 1
    assert opened.snapshots() == []


def test_ctrl_c_while_the_callback_runs(source: Path, repository: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        linkdest.snapshot(source, repository, init=True, progress=lambda _: os.kill(os.getpid(), signal.SIGINT))
    assert linkdest.Repository(repository).snapshots() == []
    assert linkdest.snapshot(source, repository).status == "complete"


def test_a_handler_that_returns_does_not_stop_the_run(source: Path, repository: Path) -> None:
    seen: list[int] = []

    def handler(number: int, _: FrameType | None) -> None:
        seen.append(number)

    signal.signal(signal.SIGINT, handler)
    report = linkdest.snapshot(
        source, repository, init=True, progress=lambda _: os.kill(os.getpid(), signal.SIGINT)
    )
    assert seen
    assert report.status == "complete"


def test_what_a_handler_raises_propagates(large_source: Path, repository: Path) -> None:
    class Late(Exception):
        pass

    def handler(_: int, __: FrameType | None) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        with pytest.raises(Late):
            linkdest.snapshot(large_source, repository, init=True, threads=1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert linkdest.Repository(repository).snapshots() == []


@pytest.mark.parametrize("what", ["delete", "forget", "accept"])
def test_ctrl_c_ends_the_wait_for_a_lock(source: Path, repository: Path, what: str) -> None:
    names = [linkdest.snapshot(source, repository, init=True).snapshot for _ in range(2)]
    opened = linkdest.Repository(repository)
    calls: dict[str, Callable[[], object]] = {
        "delete": partial(opened.delete, names[0], lock_wait=30),
        "forget": partial(opened.forget, last=1, lock_wait=30),
        "accept": partial(opened.accept, names[0], lock_wait=30),
    }
    with open(repository / ".linkdest" / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            calls[what]()
        took = time.monotonic() - begun
        timer.join()
        with pytest.raises(linkdest.Locked):
            opened.delete(names[0])
    assert took < 10
    assert [snapshot.name for snapshot in opened.snapshots()] == names


def test_a_lock_that_is_given_back_in_time_was_worth_waiting_for(source: Path, repository: Path) -> None:
    names = [linkdest.snapshot(source, repository, init=True).snapshot for _ in range(3)]
    opened = linkdest.Repository(repository)
    with open(repository / ".linkdest" / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        timer = threading.Timer(0.3, lambda: fcntl.flock(lock, fcntl.LOCK_UN))
        timer.start()
        assert opened.delete(names[0], lock_wait=30) == [names[0]]
        timer.join()
    assert opened.forget(last=1, lock_wait=30) == [names[1]]
