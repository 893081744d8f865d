"""The programs in `examples` and in the documentation, as a reader would run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import linkdest

HERE = Path(__file__).parent.parent
DOCUMENTS = [HERE / "README.md", HERE.parent / "README.md"]


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=50)


def test_backup(source: Path, repository: Path) -> None:
    done = run(HERE / "examples/backup.py", source, repository)
    assert done.returncode == 0, done.stderr
    (snapshot,) = linkdest.Repository(repository).snapshots()
    assert f"{snapshot.path}: 0 files linked, 2 copied" in done.stdout
    assert run(HERE / "examples/backup.py", source, source).returncode == 1


def test_largest(source: Path, repository: Path) -> None:
    linkdest.snapshot(source, repository, init=True)
    rules = source.parent / "rules"
    rules.write_text("- /docs/\n")
    done = run(HERE / "examples/largest.py", repository, rules)
    assert done.returncode == 0, done.stderr
    letter, notes = done.stdout.splitlines()
    assert letter.startswith(f"{11:>15}") and f"because the directory docs/ is excluded by" in letter
    assert notes.startswith(f"{5:>15}") and notes.endswith("/notes")


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path.exists()], ids=lambda path: path.parent.name)
def test_what_the_documentation_shows(document: Path, source: Path, repository: Path, tmp_path: Path) -> None:
    """All blocks of a document, one after the other, with the paths of this machine."""
    blocks = [part.split("```")[0] for part in document.read_text().split("```python\n")[1:]]
    assert blocks
    program = tmp_path / "program.py"
    text = "\n".join(blocks).replace("/home/me", str(source)).replace("/mnt/backup/laptop", str(repository))
    program.write_text(text)
    linkdest.Repository.init(repository)
    done = run("-W", "error", program)
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr
    assert linkdest.Repository(repository).snapshots()[0].name in done.stdout
