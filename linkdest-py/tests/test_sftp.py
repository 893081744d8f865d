"""Sources and replicas on a server: OpenSSH's own SFTP server, on a pipe."""

from pathlib import Path

import pytest

import linkdest

SERVER = Path("/usr/lib/openssh/sftp-server")

pytestmark = pytest.mark.skipif(not SERVER.exists(), reason="no sftp-server is installed")


@pytest.mark.parametrize("command", [str(SERVER), [str(SERVER)]])
def test_a_source_on_a_server(source: Path, repository: Path, command: str | list[str]) -> None:
    (source / "far").write_bytes(b"away")
    address = f"sftp://far{source}"
    report = linkdest.snapshot(address, repository, init=True, ssh_command=command, keep_modes=False)
    assert report.status == "complete"
    assert Path(report.path or "", "far").read_bytes() == b"away"
    assert Path(report.path or "", "far").stat().st_mode & 0o777 == 0o600


def test_a_server_that_cannot_be_reached(source: Path, repository: Path) -> None:
    with pytest.raises(linkdest.LinkdestError, match="cannot be started"):
        linkdest.snapshot(f"sftp://far{source}", repository, init=True, ssh_command="/nonexistent/ssh")
    with pytest.raises(linkdest.LinkdestError, match="a quote is not closed"):
        linkdest.snapshot(f"sftp://far{source}", repository, init=True, ssh_command="'ssh")
    with pytest.raises(linkdest.LinkdestError):
        linkdest.snapshot("sftp://-oProxyCommand=x/y", repository, init=True)
    assert not repository.exists()


@pytest.mark.parametrize("command", [str(SERVER), [str(SERVER)]])
def test_a_replica_on_a_server(
    source: Path, repository: Path, tmp_path: Path, command: str | list[str]
) -> None:
    name = linkdest.snapshot(source, repository, init=True).snapshot
    target = tmp_path / "second"
    report = linkdest.replicate(repository, f"sftp://far{target}", init=True, ssh_command=command)
    assert [(one.snapshot, one.state) for one in report.replicas] == [(name, "sent")]
    assert sorted(path.name for path in (target / str(name)).iterdir()) == sorted(
        path.name for path in source.iterdir()
    )
    again = linkdest.replicate(repository, f"sftp://far{target}", ssh_command=command)
    assert [one.state for one in again.replicas] == ["present"]


def test_a_replica_on_a_server_that_cannot_be_reached(source: Path, repository: Path, tmp_path: Path) -> None:
    linkdest.snapshot(source, repository, init=True)
    target = f"sftp://far{tmp_path / 'second'}"
    for command, said in [("/nonexistent/ssh", "cannot be started"), ("'ssh", "a quote is not closed")]:
        with pytest.raises(linkdest.LinkdestError, match=said):
            linkdest.replicate(repository, target, init=True, ssh_command=command)
    without_links = [str(SERVER), "-P", "hardlink"]
    with pytest.raises(linkdest.LinkdestError, match="hard links"):
        linkdest.replicate(repository, target, init=True, ssh_command=without_links)
    assert not (tmp_path / "second").exists()
