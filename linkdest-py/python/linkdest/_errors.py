"""The exceptions: when one of them is raised, nothing was published."""

from __future__ import annotations

__all__ = ["Interrupted", "LinkdestError", "Locked", "NotARepository"]


class LinkdestError(OSError):
    """Something ended the run, or the repository cannot be used.

    `str()` is a whole sentence. `errno` and `strerror` are the operating system's, where it was asked, and `filename`
    is the path it happened at, where there is one; each is None otherwise.
    """

    __module__ = "linkdest"

    _message: str | None = None

    @classmethod
    def _make(cls, errno: int | None, strerror: str | None, filename: str | None, message: str) -> LinkdestError:
        error = cls(errno, strerror, filename)
        # Otherwise a traceback, a log line or a pickle would show three times None.
        error.args = (errno, strerror or message)
        error._message = message
        return error

    def __str__(self) -> str:
        return super().__str__() if self._message is None else self._message


class NotARepository(LinkdestError):
    """The directory is missing, was not initialised, or has a format that is not known here."""

    __module__ = "linkdest"


class Locked(LinkdestError):
    """Another run holds the repository's lock."""

    __module__ = "linkdest"


class Interrupted(LinkdestError):
    """The run was stopped before it published anything, by something other than an exception of its caller's."""

    __module__ = "linkdest"
