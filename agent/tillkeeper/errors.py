"""Errors as people and programs meet them: operation, subject, cause, hint, and whether a retry is safe.

Every error that leaves the agent is one of these; library exceptions are translated once, where they happen. `code` is
stable and is the last part of the problem type (RFC 9457) that the API answers with `status`.
"""

from typing import Any


def about(operation: str, subject: str) -> str:
    """As people say "take check" and "check C-006": take check C-006."""
    first, _, rest = subject.partition(" ")
    doubled = rest and operation.rpartition(" ")[2] == first
    return " ".join(filter(None, (operation, rest if doubled else subject)))


class TillkeeperError(Exception):
    """Base. `extra` holds further machine-readable fields (allowed tenders, amounts); never secrets or personal text."""

    code = "internal"
    status = 500
    retry_safe = True

    def __init__(self, operation: str, subject: str, cause: str, hint: str = "", **extra: Any) -> None:
        super().__init__(f"{about(operation, subject)}: {cause}" + (f" ({hint})" if hint else ""))
        self.operation = operation
        self.subject = subject
        self.cause = cause
        self.hint = hint
        self.extra = extra


class Refused(TillkeeperError):
    """A rule of the store says no; nothing has changed. `code` says which rule."""

    status = 422

    def __init__(self, code: str, operation: str, subject: str, cause: str, hint: str = "", **extra: Any) -> None:
        super().__init__(operation, subject, cause, hint, **extra)
        self.code = code


class BadRequest(TillkeeperError):
    """The request does not have the form that it should have."""

    code = "bad_request"
    status = 400


class NotFound(TillkeeperError):
    code = "not_found"
    status = 404


class Conflict(TillkeeperError):
    """The same idempotency key came with another command, or the thing is in another state than the command needs."""

    code = "conflict"
    status = 409


class StorageRefused(TillkeeperError):
    """The disk is full or a sync failed: the command is not accepted, nothing of it counts. Retrying with the same key is
    safe. Reading goes on."""

    code = "storage_refused"
    status = 507


class Overloaded(TillkeeperError):
    """A bounded queue is full."""

    code = "overloaded"
    status = 503


class ConfigInvalid(TillkeeperError):
    """`extra["problems"]`: all of them at once, each with file, line and a suggestion."""

    code = "config_invalid"
    retry_safe = False
