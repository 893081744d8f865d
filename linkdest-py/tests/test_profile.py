from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

import linkdest


@pytest.fixture
def profile(source: Path, repository: Path, tmp_path: Path) -> Path:
    linkdest.snapshot(source, repository, init=True)
    path = tmp_path / "me.toml"
    path.write_text(
        "source = 'source'\nrepository = 'repository'\nkeep = {last = 1}\nverify = {sample = '100%'}\n"
        "[hooks]\nrun-after = 'exit 5'\n"
    )
    return path


def names(repository: Path) -> list[str]:
    return [snapshot.name for snapshot in linkdest.Repository(repository).snapshots()]


def test_a_run_does_all_that_the_profile_says(profile: Path, repository: Path) -> None:
    old = names(repository)
    dry = linkdest.run(profile, dry_run=True)
    assert (dry.forgotten, dry.exit_code, names(repository)) == ((), 0, old)
    report = linkdest.run(os.fsencode(profile), lock_wait=0.1)
    assert names(repository) == [report.snapshot.snapshot]
    assert (report.forgotten, report.planned) == (tuple(old), tuple(old))
    assert report.verified is not None and report.verified.findings == ()
    assert report.failed_hooks == (("run-after", "exit status: 5"),)
    assert (report.errors, report.exit_code) == ((), 3)
    assert report.log[-1].startswith("run: ended after ")
    assert report.duration > 0 and repr(report).endswith("exit_code=3)")


def test_what_is_wrong_with_a_profile_is_told(profile: Path) -> None:
    profile.write_text("sorce = '/'\n")
    for do in (linkdest.run, linkdest.check_profile):
        with pytest.raises(linkdest.ProfileError, match="line 1, column 1: unknown key `sorce`; did you mean `source`"):
            do(profile)
    with pytest.raises(linkdest.ProfileError):
        linkdest.run("no-such-profile-anywhere")


def test_a_hook_before_that_fails_raises(profile: Path, repository: Path) -> None:
    profile.write_text("source = 'source'\nrepository = 'repository'\nhooks = {run-before = 'exit 5'}\n")
    old = names(repository)
    with pytest.raises(linkdest.LinkdestError, match="exit status: 5"):
        linkdest.run(profile)
    assert names(repository) == old


def test_a_check_says_what_a_run_would_do(profile: Path) -> None:
    check = linkdest.check_profile(profile)
    assert (check.remarks, check.exit_code) == ((), 0)
    assert "run-after: exit 5" in check.plan
    profile.write_text(profile.read_text() + "run-failed = ['./none']\n")
    check = linkdest.check_profile(profile)
    assert check.remarks[0][0] == "error" and check.exit_code == 2


def test_ctrl_c_ends_a_hook(profile: Path, tmp_path: Path) -> None:
    profile.write_text(
        "source = 'source'\nrepository = 'repository'\n"
        "hooks = {run-before = 'touch begun; sleep 300', run-finally = 'touch ended'}\n"
    )

    def interrupt() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        linkdest.run(profile)
    thread.join()
    assert (tmp_path / "ended").exists()
