import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias, final

__all__ = [
    "AdoptReport",
    "Adoption",
    "Change",
    "Counts",
    "Explanation",
    "ExpungeReport",
    "ExpungedEntry",
    "Filter",
    "Finding",
    "Grown",
    "Item",
    "Problem",
    "ProfileCheck",
    "ProfileReport",
    "Progress",
    "ReindexReport",
    "Replica",
    "ReplicateReport",
    "Repository",
    "RepositoryReport",
    "RestoreCounts",
    "RestoreReport",
    "Run",
    "Sighting",
    "Snapshot",
    "SnapshotReport",
    "SnapshotUsage",
    "Usage",
    "VerifyReport",
    "Version",
    "__version__",
    "adopt",
    "check_profile",
    "replicate",
    "run",
    "snapshot",
]

_AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
_Kind: TypeAlias = Literal["file", "directory", "symlink", "fifo", "socket", "block_device", "character_device"]
_Status: TypeAlias = Literal["complete", "problems"]

__version__: str

# Wherever a snapshot is named: see Repository.resolve().
_AnySnapshot: TypeAlias = str | Snapshot

def snapshot(
    source: _AnyPath,
    repository: _AnyPath,
    *,
    init: bool = False,
    rules: _AnyPath | None = None,
    filters: Iterable[str | bytes] = (),
    exclude: Iterable[str | bytes] = (),
    policy: Literal["quick", "strict", "checksum"] = "quick",
    link_dest: Iterable[_AnyPath] = (),
    threads: int | None = None,
    one_file_system: bool = False,
    progress: Callable[[Progress], object] | None = None,
    allow_empty: bool = False,
    mass_change: int | None = 50,
    repository_id: str | None = None,
    reserve: int | None = None,
    ssh_command: str | list[str] | None = None,
    keep_owners: bool | None = None,
    keep_modes: bool | None = None,
) -> SnapshotReport:
    """Takes one snapshot of `source` into `repository`.

    `init` makes the repository if there is none. Which entries take part is said in rsync's filter language
    (docs/filter-rules.md): the rules of the file `rules`, then those of `filters`, each a rule such as "- *.o", then
    those of `exclude`, each a pattern such as "*.o". The first rule that matches decides; `Filter` tells which one.
    `policy` says how change is detected: "quick" by size and times, "strict" by what the inode change time proves,
    "checksum" by reading every byte. `link_dest` are further directories on the repository's file system, at most 20,
    that unchanged files may be linked to. `threads` is one for each core unless given. `one_file_system` leaves mount
    points as empty directories.

    A source that had entries in its newest snapshot and has none now is an error unless `allow_empty`. If more than
    `mass_change` percent of them are gone or changed, or the source is on another file system, the snapshot is
    published and marked as suspect: see `Repository.accept`. A repository with another id than `repository_id` is
    `NotARepository`. `reserve` bytes stay free on its file system; a hundredth and 1 GiB at most unless given.

    A source like "sftp://[user@]host[:port]/path" is on a server (docs/network.md), reached by ssh, which asks nobody
    anything, or by `ssh_command`, a program with its arguments that speaks SFTP. `keep_owners` and `keep_modes` say
    whether the owners and modes that the server tells are kept; unless given, where they mean something.

    `progress` is called on the calling thread with the figures so far, at least once before the snapshot is published
    and at most ten times a second: a function of yours, or a bar of `linkdest.progress`. Its return value is ignored; an
    exception from it stops the run and propagates.
    Other threads run meanwhile. Ctrl-C raises KeyboardInterrupt within about a tenth of a second; once publishing has
    begun the run completes first.

    Entries that could not be saved as asked do not raise: the report tells them.

    Raises LinkdestError or one of its subclasses (RulesError for rules that cannot be used), ValueError or TypeError for
    arguments that make no sense, or what `progress` or a signal handler raised. Nothing was published then.
    """

def run(profile: _AnyPath, *, dry_run: bool = False, lock_wait: float | None = None) -> ProfileReport:
    """Does all that a profile says: the snapshot, what the keep rules remove, the check of a sample, hooks around.

    `profile` is a path, which has a "/" or ends in ".toml", or a name (docs/profiles.md). `lock_wait`, in seconds, is as
    the profile says unless given. A dry run writes nothing and runs no hooks. It raises only if no snapshot was
    published; `ProfileError` if the profile cannot be used.
    """

def check_profile(profile: _AnyPath) -> ProfileCheck:
    """Looks whether a profile can be run: source, repository, rules, hooks. Nothing is written and no hook is run."""

@final
class ProfileReport:
    """What a run by profile that published a snapshot came to."""

    def _repr_html_(self) -> str: ...
    @property
    def snapshot(self) -> SnapshotReport:
        """The snapshot that was taken."""

    @property
    def forgotten(self) -> tuple[str, ...]:
        """The names of the snapshots that were removed."""

    @property
    def planned(self) -> tuple[str, ...]:
        """The names of those that the keep rules removed, or would remove in a dry run."""

    @property
    def verified(self) -> VerifyReport | None:
        """What the check of a sample came to."""

    @property
    def errors(self) -> tuple[str, ...]:
        """What ended forgetting or checking, in words."""

    @property
    def failed_hooks(self) -> tuple[tuple[str, str], ...]:
        """The hooks that failed, and how."""

    @property
    def log(self) -> tuple[str, ...]:
        """All facts of the run, in words."""

    @property
    def exit_code(self) -> int:
        """The exit code of the command line: 0; 3 if anything was not as asked; 4 if the check found differences."""

    @property
    def duration(self) -> float:
        """How long the run took, hooks included, in seconds."""

@final
class ProfileCheck:
    """What a check of a profile found."""

    @property
    def plan(self) -> tuple[str, ...]:
        """What a run would do, in plain words."""

    @property
    def remarks(self) -> tuple[tuple[Literal["error", "warning"], str], ...]:
        """What is wrong."""

    @property
    def exit_code(self) -> int:
        """The exit code of the command line: 0 nothing is wrong, 2 a run would fail, 3 there are warnings."""

def adopt(
    path: _AnyPath,
    *,
    dry_run: bool = False,
    threads: int | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> AdoptReport:
    """Takes over, in place, a directory with the snapshots of another tool, and makes it a repository if it is none.

    Known are directories named by date (rsync scripts), rsnapshot, rsync-time-backup, Back In Time and Timeshift. Nothing
    in them is changed. Each snapshot gets a name from the tool's own mark and a manifest, for which each file is read once;
    the next snapshot links to the newest of them. The tool must not rotate or delete there any more. An adoption that was
    stopped goes on when it is called again. `progress` is called as by `snapshot()`.

    Raises NotARepository if the directory is none and nothing in it is known, and Locked while another run goes on.
    """

def replicate(
    repository: _AnyPath,
    target: _AnyPath,
    *,
    init: bool = False,
    snapshots: Iterable[_AnySnapshot] = (),
    keep: Mapping[str, int | str] | None = None,
    bandwidth: int | None = None,
    dry_run: bool = False,
    lock_wait: float = 0.0,
    progress: Callable[[Progress], object] | None = None,
    ssh_command: str | list[str] | None = None,
) -> ReplicateReport:
    """Brings the snapshots of a repository to another one, the oldest first, with everything that they share.

    The first one is only read. What the target has is linked there, the rest is sent and compared with its recorded hash.
    Snapshots that the target has are passed over; what was stopped goes on when it is called again. `init` makes the target
    a repository if it is none. `snapshots` names those to bring; without it all are. `keep` are rules as of
    `Repository.forget()`, {"daily": 7, "within": "30d"}: what they would not keep is not brought, and removed at the
    target. `bandwidth` is the number of bytes of content to send in a second at most. `progress` is called as by
    `snapshot()`. A target like "sftp://[user@]host[:port]/path" is on a server (docs/network.md), reached as the source of
    `snapshot()` is: by ssh, or by `ssh_command`. Snapshots and entries that could not be brought as they are are problems of the report.

    Raises NotARepository, Locked while another run at the target goes on, and ValueError for bad rules.
    """

@final
class Repository:
    """A directory that holds snapshots. Opening and reading take no lock."""

    def __new__(cls, path: _AnyPath) -> Repository:
        """Opens a repository; raises NotARepository if there is none."""

    @staticmethod
    def init(path: _AnyPath) -> Repository:
        """Makes a repository of an absent or an empty directory; raises LinkdestError if something is there."""

    def snapshots(self) -> list[Snapshot]:
        """Lists the published snapshots, the oldest run first."""

    def runs(self) -> list[Run]:
        """Tells the history of the runs, the oldest first: those that made the snapshots, and those that were not finished and
        left something for the next one."""

    def resolve(self, snapshot: _AnySnapshot) -> Snapshot:
        """Finds the snapshot that a text stands for.

        Its exact name, its path, "latest" or "latest~N", the beginning of its name if that is longer than a date, a date
        for the newest snapshot of that local day, or "3 days ago" for the newest that is at least so old. Raises
        LinkdestError if there is none, or more than one. Wherever a method takes a snapshot, it is named like this, or is
        a `Snapshot`, which stands for its name.
        """

    def diff(self, before: _AnySnapshot, after: _AnySnapshot = "latest") -> list[Change]:
        """Tells what changed from one snapshot to another, in the order of the paths. Both need a manifest."""

    def ls(self, snapshot: _AnySnapshot, path: _AnyPath | None = None, *, recursive: bool = False) -> list[Item]:
        """Lists a directory of a snapshot, the root unless given; of anything else the entry itself.

        `Snapshot.entries()` goes through a whole tree without keeping all of it in memory.
        """

    def find(self, pattern: _AnyPath) -> list[Version]:
        """Finds the paths that match a pattern in all snapshots: each version of each path once, by path.

        "*.txt" is compared with names, "docs/*.txt" with the end of paths, "/docs/**" with paths from the root.
        """

    def versions(self, path: _AnyPath) -> list[Version]:
        """Tells the versions of a path, the oldest first: one for each run of snapshots that have the same."""

    def usage(self, *snapshots: _AnySnapshot) -> Usage:
        """Tells what snapshots take, and what deleting them would free; of all snapshots if none is named."""

    def verify(
        self,
        snapshots: Iterable[_AnySnapshot] = (),
        *,
        sample: float | None = None,
        resume: bool = False,
        threads: int | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> VerifyReport:
        """Checks `snapshots`, all unless given, against what was written down of them.

        Each file is read once, whatever the number of snapshots that share it. `sample` is a number of percent: only the
        content of so many files is read, of others each time, so that ten checks of 10 read everything once. `resume`
        goes on with a check that was stopped. What is found damaged is written down, and the next run takes those files
        from the source. No lock is taken while it reads.

        Snapshots are told by their names, the beginning of those, "latest", "latest~1", or a date. `progress` is called
        as by `snapshot()`: `entries` are those compared, `bytes` those read.
        """

    def reindex(
        self,
        snapshots: Iterable[_AnySnapshot] = (),
        *,
        all: bool = False,
        trust: bool = False,
        dry_run: bool = False,
        threads: int | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> ReindexReport:
        """Makes manifests anew from the trees: of `snapshots`, of `all`, or of those whose manifest is missing or damaged.

        `trust` believes the sound manifests of other snapshots and reads only what they do not know. Raises Locked while
        another run goes on.
        """

    def restore(
        self,
        snapshot: _AnySnapshot,
        target: _AnyPath,
        path: _AnyPath | None = None,
        overwrite: Literal["if-changed", "always", "never"] = "if-changed",
        delete: bool = False,
        checksum: bool = False,
        dry_run: bool = False,
        *,
        threads: int | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> RestoreReport:
        """Puts back what a snapshot has, or what it has at `path`: `target` becomes what that is.

        The contents of a directory go into `target`, which is made if it is missing; anything else is written as
        `target`. `overwrite` says what becomes of entries that are there: "if-changed" writes what differs in kind, size,
        modification time or attributes, with `checksum` in content; "always" writes everything anew; "never" makes only
        what is missing. `delete` removes what the snapshot does not have. Nothing in `target` is followed, and nothing is
        shared with the snapshot. Entries that could not be restored as they were are problems of the report.

        `progress` is called as by `snapshot()`.
        """

    def expunge(
        self, path: _AnyPath, snapshots: Iterable[_AnySnapshot] = (), *, links: bool = False, dry_run: bool = False
    ) -> ExpungeReport:
        """Removes one path, with everything in it, from all snapshots, or from those that are named.

        The snapshots stay as they are otherwise, and it is written down that the path was expunged. `links` removes the
        other names too that the same inodes have in the same snapshot; without it they are in the report. What is in the
        source is saved again by the next run, unless a rule excludes it. A path that no snapshot has is a LinkdestError;
        space that could not be freed yet is a RuntimeWarning.
        """

    def expunged(self) -> list[ExpungedEntry]:
        """Tells what was expunged from the snapshots that there are, in the order in which that was done."""

    def delete(self, *names: _AnySnapshot, lock_wait: float = 0.0) -> list[str]:
        """Deletes snapshots, all of them or none, and returns their names.

        They are named as on the command line: by name, "latest~1", a date. What is pinned stays, and one good snapshot
        must be left: LinkdestError is raised then. Snapshots whose space could not be freed are gone all the same: a
        RuntimeWarning tells. Another run's lock is waited for `lock_wait` seconds. Ctrl-C ends it; what is gone by then
        is gone.
        """

    def forget(
        self,
        *,
        last: int = 0,
        hourly: int = 0,
        daily: int = 0,
        weekly: int = 0,
        monthly: int = 0,
        yearly: int = 0,
        within: str | None = None,
        free_space: int | None = None,
        dry_run: bool = False,
        lock_wait: float = 0.0,
    ) -> list[str]:
        """Removes, source by source, the snapshots that no rule keeps, and returns their names.

        The rules are those of `linkdest forget`; `within` is like "2y5m7d3h". With `free_space` the oldest snapshots
        follow until so many bytes are available. Pinned snapshots and the newest good one of each source stay. With
        `dry_run` nothing is removed. No rule at all is a ValueError. Another run's lock is waited for `lock_wait` seconds.
        Ctrl-C ends it; what is gone by then is gone.
        """

    def report(
        self,
        *,
        last: int = 0,
        hourly: int = 0,
        daily: int = 0,
        weekly: int = 0,
        monthly: int = 0,
        yearly: int = 0,
        within: str | None = None,
    ) -> RepositoryReport:
        """Tells how the repository is doing: what grew, how long the space lasts, and with the rules of `forget` when
        which snapshot will go. Nothing is written."""

    def accept(self, name: _AnySnapshot, *, lock_wait: float = 0.0) -> bool:
        """Accepts a suspect snapshot, so that it counts like any other; returns whether it was suspect."""

    def adopt(
        self,
        *,
        dry_run: bool = False,
        threads: int | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> AdoptReport:
        """Takes over the snapshots of another tool that are here, as `adopt()` does."""

    def pin(self, name: _AnySnapshot) -> bool:
        """Keeps a snapshot whatever happens; returns whether it was not pinned before."""

    def unpin(self, name: _AnySnapshot) -> bool:
        """Takes the pin of a snapshot away; returns whether it was pinned."""

    @property
    def path(self) -> Path:
        """The path that the repository was opened by."""

    @property
    def id(self) -> str:
        """The repository's own name for itself: 32 hexadecimal digits."""

@final
class Snapshot:
    """One published snapshot. It is `os.PathLike`: `Path(snapshot) / "etc/hosts"` is a file in it."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __fspath__(self) -> str: ...
    def _repr_html_(self) -> str: ...
    def entries(self, path: _AnyPath | None = None) -> Iterator[Item]:
        """Goes through its entries, or through those below a path: each directory, then what is in it, by name.

        They are read from the manifest, or from the tree where there is none, as they are asked for. Raises LinkdestError
        if it has no such path, or when it cannot be read; that ends it.
        """

    @property
    def name(self) -> str:
        """The snapshot's name."""

    @property
    def path(self) -> Path:
        """Where its tree is."""

    @property
    def started(self) -> datetime:
        """When its run started, in UTC."""

    @property
    def status(self) -> _Status:
        """"complete", or "problems" if not everything was saved as asked."""

    @property
    def suspect(self) -> bool:
        """Whether nobody is sure that it is what it should be. It is whole, but no reason to forget others."""

    @property
    def suspect_reasons(self) -> list[str]:
        """Why it is suspect; empty if it is not, or was accepted."""

    @property
    def pinned(self) -> bool:
        """Whether it is kept whatever the keep rules say."""

    @property
    def adopted(self) -> bool:
        """Whether another tool made it, and it was adopted."""

    @property
    def new_bytes(self) -> int | None:
        """The bytes of content that were new in it; None where the record of its run was lost."""

    @property
    def problems(self) -> int | None:
        """The number of its problems; None where the record of its run was lost."""

    @property
    def entry_count(self) -> int | None:
        """The number of entries; None where the record of its run was lost."""

    @property
    def bytes(self) -> int | None:
        """The sum of the sizes of its files, an inode once; None where the record of its run was lost."""

@final
class Run:
    """One run, as its record tells it."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def _repr_html_(self) -> str: ...
    @property
    def snapshot(self) -> str:
        """The name of the snapshot that it made, or was making."""

    @property
    def sequence(self) -> int:
        """Its number in the repository, from 1; of an adopted snapshot that of the run that it comes after."""

    @property
    def source(self) -> Path | None:
        """The absolute path of the source; None for an adopted snapshot of which that is not known."""

    @property
    def host(self) -> str:
        """The machine that the source was on."""

    @property
    def policy(self) -> str:
        """The policy that told what is unchanged; empty for an adopted snapshot."""

    @property
    def suspect(self) -> tuple[str, ...]:
        """Why the snapshot is suspect; empty where it is not."""

    @property
    def started(self) -> datetime:
        """When it began, in UTC."""

    @property
    def ended(self) -> datetime | None:
        """When it ended, in UTC; None where it did not, and for an adopted snapshot."""

    @property
    def status(self) -> Literal["complete", "problems", "unfinished"]:
        """How it ended; one that is unfinished may still go on."""

    @property
    def adopted(self) -> bool:
        """Whether another tool made the snapshot."""

    @property
    def tree(self) -> Path | None:
        """Of an adopted snapshot: where its tree is, below the repository."""

    @property
    def replica_of(self) -> str | None:
        """The id of the repository that the snapshot was made in, where `replicate()` brought it here."""

    @property
    def counts(self) -> Counts:
        """What was done."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The first 1,000 problems; `counts.problems` has the number of all."""

@final
class Adoption:
    """One snapshot that was adopted, or would be."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    @property
    def snapshot(self) -> str:
        """The name that it has in the repository."""

    @property
    def tree(self) -> Path:
        """Where its tree is, below the repository."""

    @property
    def tool(self) -> str:
        """The name of the tool that made it."""

    @property
    def started(self) -> datetime:
        """When it was made, by the tool's own mark, in UTC."""

    @property
    def sequence(self) -> int:
        """The number of the run that it comes after, 0 before the first."""

@final
class AdoptReport:
    """What adopting came to."""

    def _repr_html_(self) -> str: ...
    @property
    def adoptions(self) -> tuple[Adoption, ...]:
        """The snapshots that were adopted, or would be in a dry run, the oldest first."""

    @property
    def passed_over(self) -> tuple[tuple[Path, str], ...]:
        """What looks like a snapshot and was not adopted: its path and the reason."""

    @property
    def known(self) -> int:
        """The number of snapshots that had been adopted before."""

    @property
    def new_repository(self) -> bool:
        """Whether the directory became a repository by it, or would."""

    @property
    def files_read(self) -> int:
        """The files whose content was read, an inode once."""

    @property
    def bytes_read(self) -> int:
        """The bytes of content that were read."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The first 1,000 entries and snapshots that could not be read."""

    @property
    def problem_count(self) -> int:
        """The number of all of them."""

    @property
    def dry_run(self) -> bool:
        """Whether nothing was written."""

    @property
    def duration(self) -> float:
        """How long it took, in seconds."""

@final
class Replica:
    """What became of one snapshot of the repository that was read."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    @property
    def snapshot(self) -> str:
        """Its name, the same in both repositories."""

    @property
    def state(self) -> Literal["present", "sent", "not_kept", "failed"]:
        """"present" at the target already, "sent", "not_kept" by the rules, or "failed": a problem says why."""

    @property
    def counts(self) -> Counts:
        """What was done for it: files copied or cloned were sent, those linked the target had."""

@final
class ReplicateReport:
    """What replicating came to."""

    def _repr_html_(self) -> str: ...
    @property
    def target(self) -> Path:
        """The repository that was written to."""

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """What became of each snapshot that was asked for, the oldest run first."""

    @property
    def removed(self) -> tuple[str, ...]:
        """What the keep rules removed at the target, or would remove in a dry run."""

    @property
    def counts(self) -> Counts:
        """The figures of all snapshots that were brought, added up."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The first 1,000 problems; their paths begin with the snapshot. `counts.problems` has the number of all."""

    @property
    def status(self) -> _Status:
        """"problems" if something could not be brought as it is."""

    @property
    def dry_run(self) -> bool:
        """Whether nothing was written."""

    @property
    def duration(self) -> float:
        """How long it took, in seconds."""

@final
class Change:
    """One change from a snapshot to another."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    @property
    def path(self) -> Path:
        """The path below the source; that in the later snapshot, unless the entry was removed."""

    @property
    def change(self) -> Literal["added", "removed", "content", "attributes", "renamed", "type"]:
        """What became of the entry."""

    @property
    def from_path(self) -> Path | None:
        """Of a renamed entry: its path in the earlier snapshot."""

    @property
    def before(self) -> _Kind | None:
        """The kind of the entry in the earlier snapshot."""

    @property
    def after(self) -> _Kind | None:
        """The kind of the entry in the later snapshot."""

    @property
    def aspects(self) -> list[str]:
        """What differs, where the kind is the same: "content", "time", "mode", "owner", "xattrs", "device", "links"."""

@final
class Item:
    """One entry of a snapshot, as the source had it."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    @property
    def path(self) -> Path:
        """The path below the source."""

    @property
    def kind(self) -> _Kind:
        """The kind of the entry."""

    @property
    def mode(self) -> int:
        """The permission bits."""

    @property
    def uid(self) -> int:
        """The owner's number."""

    @property
    def gid(self) -> int:
        """The group's number."""

    @property
    def size(self) -> int:
        """The size in bytes."""

    @property
    def mtime(self) -> datetime:
        """When the content was last changed, in UTC."""

    @property
    def target(self) -> Path | None:
        """Where a symlink leads."""

    @property
    def content(self) -> str | None:
        """The BLAKE3 hash of a file's content in hexadecimal digits, where it is recorded."""

@final
class Version:
    """One version of a path, and the snapshots that have it."""

    @property
    def path(self) -> Path:
        """The path below the source."""

    @property
    def item(self) -> Item:
        """The entry as the first of the snapshots has it."""

    @property
    def expunged(self) -> bool:
        """Whether it was expunged from these snapshots: of what it was only the kind is still known."""

    @property
    def snapshots(self) -> list[str]:
        """The names of the snapshots that have this version, the oldest run first."""

@final
class RepositoryReport:
    """How a repository is doing."""

    def _repr_html_(self) -> str: ...
    @property
    def made(self) -> datetime:
        """When the report was made, in UTC."""

    @property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots, the oldest run first."""

    @property
    def growth(self) -> list[Grown]:
        """The directories that grew since the first snapshot of each source, the largest first; "." is a source itself.

        Small ones are told with their parents."""

    @property
    def available(self) -> int:
        """The bytes that are available on the repository's file system."""

    @property
    def bytes_per_day(self) -> int | None:
        """The bytes that are new in a day, by the last runs; None if nothing tells."""

    @property
    def full(self) -> datetime | None:
        """When the space is used up at that pace if nothing is removed; None if that is not foreseen."""

    @property
    def goes(self) -> list[tuple[str, datetime | None]] | None:
        """When the rules will no longer keep each snapshot, the oldest run first; None without rules.

        The time of the report where they do not keep it now; None where the end is not foreseen."""

    def to_html(self) -> str:
        """One page that needs nothing else: no script, no network. Every name is escaped."""

@final
class Grown:
    """A directory with what is new in it and below it."""

    @property
    def source(self) -> Path | None:
        """The source that it is in, where that is known."""

    @property
    def path(self) -> Path:
        """The path below the source."""

    @property
    def bytes(self) -> int:
        """The sizes of the new files."""

    @property
    def files(self) -> int:
        """The number of the new files."""

@final
class Usage:
    """What snapshots take."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def _repr_html_(self) -> str: ...
    @property
    def snapshots(self) -> list[SnapshotUsage]:
        """Each snapshot that was asked for, the oldest run first."""

    @property
    def freed_bytes(self) -> int:
        """The bytes on disk that would be free if all of them, and no other, were deleted."""

@final
class SnapshotUsage:
    """What one snapshot takes. Bytes on disk are allocated blocks, as du(1) counts them."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    @property
    def name(self) -> str:
        """The snapshot's name."""

    @property
    def bytes(self) -> int:
        """The sum of the sizes of its regular files, an inode once."""

    @property
    def new_bytes(self) -> int:
        """The bytes on disk of inodes that no older snapshot has."""

    @property
    def freed_bytes(self) -> int:
        """The bytes on disk that would be free if this snapshot alone were deleted."""

@final
class SnapshotReport:
    """What a run that published a snapshot came to."""

    def _repr_html_(self) -> str: ...
    @property
    def snapshot(self) -> str:
        """The name of the snapshot."""

    @property
    def path(self) -> Path:
        """Where the snapshot is."""

    @property
    def status(self) -> _Status:
        """"complete", or "problems" if not everything was saved as asked."""

    @property
    def suspect(self) -> bool:
        """Whether nobody is sure that it is what it should be. It is whole, but no reason to forget others."""

    @property
    def suspect_reasons(self) -> list[str]:
        """Why it is suspect; empty if it is not, or was accepted."""

    @property
    def counts(self) -> Counts:
        """What was done."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The first 1,000 problems; `counts.problems` has the number of all."""

    @property
    def duration(self) -> float:
        """How long the run took, in seconds."""

@final
class RestoreReport:
    """What a restore came to."""

    def _repr_html_(self) -> str: ...
    @property
    def snapshot(self) -> str:
        """The name of the snapshot."""

    @property
    def target(self) -> Path:
        """What was restored to, as it was given."""

    @property
    def status(self) -> _Status:
        """"complete", or "problems" if not everything was restored."""

    @property
    def counts(self) -> RestoreCounts:
        """What was done."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The first 1,000 problems; `counts.problems` has the number of all."""

    @property
    def dry_run(self) -> bool:
        """Whether nothing was written."""

    @property
    def duration(self) -> float:
        """How long it took, in seconds."""

@final
class RestoreCounts:
    """What a restore did, in entries and bytes."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def _repr_html_(self) -> str: ...
    @property
    def entries(self) -> int:
        """Entries that the snapshot has below the path, the one at the path not."""

    @property
    def unchanged(self) -> int:
        """Entries that were as they should be."""

    @property
    def kept(self) -> int:
        """Entries that were there and were to stay."""

    @property
    def files_copied(self) -> int:
        """Regular files whose content was copied."""

    @property
    def files_cloned(self) -> int:
        """Regular files that share their blocks with the snapshot's (reflink)."""

    @property
    def linked(self) -> int:
        """Names that were linked to another name of the same inode."""

    @property
    def directories_created(self) -> int:
        """Directories that were made."""

    @property
    def other_created(self) -> int:
        """Symlinks, FIFOs, sockets and devices that were made."""

    @property
    def attributes_set(self) -> int:
        """Entries of which attributes alone were set."""

    @property
    def deleted(self) -> int:
        """Entries that the snapshot does not have, removed with all that was in them."""

    @property
    def bytes(self) -> int:
        """The sum of the sizes of all regular files in bytes, by name."""

    @property
    def bytes_copied(self) -> int:
        """Bytes of content written; holes do not count."""

    @property
    def bytes_cloned(self) -> int:
        """Bytes of content shared with the snapshot by clones."""

    @property
    def problems(self) -> int:
        """Entries or attributes that could not be restored."""

@final
class ExpungeReport:
    """What was expunged, or would be."""

    def _repr_html_(self) -> str: ...
    @property
    def entries(self) -> tuple[ExpungedEntry, ...]:
        """The entries, by snapshot, the oldest run first. Empty where all of it was expunged before."""

    @property
    def other_names(self) -> tuple[Sighting, ...]:
        """Names that the same inodes have elsewhere in the same snapshots, and that stay."""

    @property
    def dry_run(self) -> bool:
        """Whether nothing was removed."""

@final
class ExpungedEntry:
    """One entry that was removed from one snapshot."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    @property
    def snapshot(self) -> str:
        """The name of the snapshot that it was removed from."""

    @property
    def path(self) -> Path:
        """The path below the source."""

    @property
    def path_bytes(self) -> bytes:
        """The same path as bytes."""

    @property
    def kind(self) -> _Kind:
        """What it was; a directory went with everything in it."""

    @property
    def time(self) -> datetime:
        """When it was expunged, in UTC."""

@final
class VerifyReport:
    """What a check came to."""

    def _repr_html_(self) -> str: ...
    @property
    def snapshots(self) -> tuple[str, ...]:
        """The names of the snapshots that were checked."""

    @property
    def without_manifest(self) -> tuple[str, ...]:
        """Those that have no manifest and were not checked: `reindex()` makes one."""

    @property
    def entries(self) -> int:
        """The entries that were compared with their records, those of every snapshot counted."""

    @property
    def expunged(self) -> int:
        """The entries that are gone because they were expunged; a directory with everything in it is one."""

    @property
    def files_read(self) -> int:
        """The files whose content was read, an inode once."""

    @property
    def bytes_read(self) -> int:
        """The bytes of content that were read."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The first 1,000 findings; `finding_count` is the number of all."""

    @property
    def finding_count(self) -> int:
        """The number of all findings."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The first 1,000 entries that could not be checked. Their paths begin with the name of the snapshot."""

    @property
    def resumed(self) -> bool:
        """Whether it went on where another check was stopped."""

    @property
    def damage_noted(self) -> bool:
        """Whether all damage is written down. It is not while another run holds the lock; then check again."""

    @property
    def duration(self) -> float:
        """How long it took, in seconds."""

@final
class Finding:
    """One difference between a snapshot and what was written down of it. `str()` is a line for people."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    @property
    def kind(self) -> str:
        """What differs: "manifest", "missing", "extra", "type", "content", "attributes", "links"; there may be more."""

    @property
    def cause(self) -> str | None:
        """How it came about, as far as the disk can tell: "rot", "tampering", "loss"; None of a manifest."""

    @property
    def snapshot(self) -> str:
        """The name of the snapshot that it was found in."""

    @property
    def path(self) -> Path:
        """The path in that snapshot; of a manifest, its path in the repository."""

    @property
    def shared(self) -> tuple[Sighting, ...]:
        """All other entries, of any snapshot, that are the same inode."""

    @property
    def message(self) -> str:
        """What was found, in words."""

@final
class Sighting:
    """One entry of one snapshot."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    @property
    def snapshot(self) -> str:
        """The name of the snapshot."""

    @property
    def path(self) -> Path:
        """The path in it."""

    @property
    def path_bytes(self) -> bytes:
        """The same path as bytes."""

@final
class ReindexReport:
    """What making manifests came to."""

    def _repr_html_(self) -> str: ...
    @property
    def snapshots(self) -> tuple[str, ...]:
        """The names of the snapshots whose manifests were made, or would be in a dry run."""

    @property
    def files_read(self) -> int:
        """The files whose content was read, an inode once."""

    @property
    def bytes_read(self) -> int:
        """The bytes of content that were read."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The first 1,000 entries and snapshots that could not be read."""

    @property
    def dry_run(self) -> bool:
        """Whether nothing was written."""

    @property
    def duration(self) -> float:
        """How long it took, in seconds."""

@final
class Problem:
    """One entry that could not be saved as asked. `str()` is a line for people, with control characters escaped."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    @property
    def path(self) -> Path:
        """The path of the entry below the source."""

    @property
    def path_bytes(self) -> bytes:
        """The same path as bytes."""

    @property
    def kind(self) -> str:
        """Why: "unreadable", "changed", "not_stored", "collision", "reference_unreadable", "rules"; there may be more."""

    @property
    def operation(self) -> str:
        """What was being done, as a verb: "open", "read", "set owner" ..."""

    @property
    def errno(self) -> int | None:
        """The operating system's error number, where there is one."""

    @property
    def message(self) -> str:
        """The cause in words."""

@final
class Counts:
    """What a run did, in entries and bytes. An entry is one name below the root of the source."""

    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def _repr_html_(self) -> str: ...
    @property
    def entries(self) -> int:
        """Entries that are in the snapshot, directories included, the root not."""

    @property
    def directories(self) -> int:
        """Directories among them."""

    @property
    def files_linked(self) -> int:
        """Regular files that are hard links to a reference or to another name of the same inode."""

    @property
    def files_copied(self) -> int:
        """Regular files whose content was copied."""

    @property
    def files_cloned(self) -> int:
        """Regular files that share their blocks with another file (reflink)."""

    @property
    def other_linked(self) -> int:
        """Symlinks, FIFOs, sockets and devices that are hard links."""

    @property
    def other_created(self) -> int:
        """Symlinks, FIFOs, sockets and devices that were made anew."""

    @property
    def relinked_limit(self) -> int:
        """Names that got a fresh inode because the reference had as many as the file system allows."""

    @property
    def vanished(self) -> int:
        """Entries that were listed, but gone when they were to be saved."""

    @property
    def skipped(self) -> int:
        """Directories left out or left empty: the repository itself, mount points."""

    @property
    def excluded(self) -> int:
        """Entries that rules left out; what is below a directory that was left out is not counted."""

    @property
    def recorded_only(self) -> int:
        """Links whose attributes differ from the source's: the manifest alone has the new ones."""

    @property
    def carried_forward(self) -> int:
        """Entries that could not be read and stand as an earlier snapshot has them."""

    @property
    def bytes_copied(self) -> int:
        """Bytes of content written; holes do not count."""

    @property
    def bytes_shared(self) -> int:
        """Bytes of content shared with a reference by links or clones, an inode once."""

    @property
    def bytes(self) -> int:
        """The sum of the sizes of all regular files in the snapshot in bytes, an inode once."""

    @property
    def problems(self) -> int:
        """Entries or attributes that could not be saved as asked."""

@final
class Filter:
    """Rules of rsync's filter language (docs/filter-rules.md) by themselves: what they say of a path. `str()` has them."""

    @staticmethod
    def parse(text: str | bytes) -> Filter:
        """Reads rules from a text that is as a rule file would be, one a line; RulesError if one cannot be used."""

    @staticmethod
    def from_file(path: _AnyPath) -> Filter:
        """Reads a rule file; RulesError if it cannot be read, or a rule in it cannot be used."""

    def explain(self, path: _AnyPath, is_dir: bool = False) -> Explanation:
        """Tells whether a path below the source takes part, and why.

        A path that ends in "/" is a directory too. No file is looked at: rule files in directories (`: NAME`) count as
        absent, and the source as "/", which matters to rules with the modifier `/` only.
        """

    def check(self) -> list[str]:
        """Looks for rules that cannot do what they seem to say, and tells each with its place and what to do."""

@final
class Explanation:
    """Why a path takes part or not. `str()` says it in a line."""

    @property
    def path(self) -> Path:
        """The path that was asked for."""

    @property
    def included(self) -> bool:
        """Whether it takes part."""

    @property
    def rule(self) -> str | None:
        """The rule that decided, for the path or for `excluded_parent`; None if no rule matches, which includes."""

    @property
    def origin(self) -> str | None:
        """Where that rule is: file and line."""

    @property
    def excluded_parent(self) -> Path | None:
        """The directory above it that is left out, with everything in it."""

@final
class Progress:
    """The figures of a run as they stand."""

    @property
    def counts(self) -> Counts:
        """What was done so far."""

    @property
    def entries(self) -> int:
        """Entries so far: `counts.entries`."""

    @property
    def bytes(self) -> int:
        """Bytes so far: `counts.bytes`."""

    @property
    def problems(self) -> int:
        """Problems so far: `counts.problems`."""

    @property
    def expected(self) -> int | None:
        """How many entries there will be, as the previous snapshot tells, or the one that is restored; None if none does."""

    @property
    def fraction(self) -> float | None:
        """How far the run is by that, from 0 to 1; None if nothing tells."""
