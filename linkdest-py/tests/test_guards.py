from __future__ import annotations

from pathlib import Path

import pytest

import linkdest


def fill(source: Path, begin: int) -> None:
    for number in range(begin, begin + 1200):
        (source / str(number)).write_text(f"content {number}")


def test_an_empty_source_needs_to_be_allowed(tmp_path: Path, source: Path, repository: Path) -> None:
    linkdest.snapshot(source, repository, init=True)
    source.rename(tmp_path / "away")
    source.mkdir()
    with pytest.raises(linkdest.LinkdestError, match="empty"):
        linkdest.snapshot(source, repository)
    assert len(linkdest.Repository(repository).snapshots()) == 1
    assert linkdest.snapshot(source, repository, allow_empty=True).counts.entries == 0


def test_a_mass_change_is_suspect_until_it_is_accepted(source: Path, repository: Path) -> None:
    fill(source, 0)
    first = linkdest.snapshot(source, repository, init=True)
    assert (first.suspect, first.suspect_reasons) == (False, [])
    for number in range(1200):
        (source / str(number)).unlink()
    fill(source, 5000)
    suspect = linkdest.snapshot(source, repository)
    assert (suspect.status, suspect.suspect) == ("complete", True)
    assert "1200 of the 1204 entries" in suspect.suspect_reasons[0]
    opened = linkdest.Repository(repository)
    assert [one.suspect for one in opened.snapshots()] == [False, True]
    assert opened.snapshots()[1].suspect_reasons == suspect.suspect_reasons
    # It is never the reason that others go.
    assert opened.forget(last=1, dry_run=True) == []
    assert (opened.accept("latest"), opened.accept("latest", lock_wait=1)) == (True, False)
    assert [one.suspect for one in opened.snapshots()] == [False, False]
    assert opened.forget(last=1, dry_run=True) == [first.snapshot]
    with pytest.raises(linkdest.LinkdestError):
        opened.accept("2000-01-01T000000Z")


@pytest.mark.parametrize(("share", "suspect"), [(None, False), (100, False), (0, True)])
def test_how_much_is_a_mass_can_be_set(source: Path, repository: Path, share: int | None, suspect: bool) -> None:
    fill(source, 0)
    linkdest.snapshot(source, repository, init=True)
    for number in range(1200):
        (source / str(number)).unlink()
    assert linkdest.snapshot(source, repository, mass_change=share).suspect is suspect


def test_values_that_cannot_be_are_refused(source: Path, repository: Path) -> None:
    for share in (-1, 101, 2**70):
        with pytest.raises(ValueError, match="mass_change"):
            linkdest.snapshot(source, repository, init=True, mass_change=share)
    opened = linkdest.Repository.init(repository)
    for wait in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="lock_wait"):
            opened.delete("latest", lock_wait=wait)


def test_another_repository_is_refused(tmp_path: Path, source: Path, repository: Path) -> None:
    wanted = linkdest.Repository.init(tmp_path / "wanted")
    for init in (False, True):
        with pytest.raises(linkdest.NotARepository):
            linkdest.snapshot(source, repository, init=init, repository_id=wanted.id)
    assert not repository.exists()
    linkdest.Repository.init(repository)
    with pytest.raises(linkdest.NotARepository, match=wanted.id):
        linkdest.snapshot(source, repository, repository_id=wanted.id)
    assert linkdest.snapshot(source, wanted.path, repository_id=wanted.id).status == "complete"


def test_space_that_must_stay_free_stays_free(source: Path, repository: Path) -> None:
    with pytest.raises(linkdest.LinkdestError, match="too little space"):
        linkdest.snapshot(source, repository, init=True, reserve=2**60)
    assert linkdest.Repository(repository).snapshots() == []
    assert linkdest.snapshot(source, repository, reserve=0).status == "complete"
