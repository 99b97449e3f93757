"""Exit codes, and errors in words. The codes are documented in `docs/cli.md` and do not change their meaning."""

import json
import sys
from typing import Any

from tillkeeper.cli.terminal import clean
from tillkeeper.errors import TillkeeperError, about

OK = 0
REFUSED = 1
"""A rule of the store says no, or the thing does not exist or is in another state: nothing has changed."""
USAGE = 2
"""The command line, a file that it names or the configuration is wrong; the token does not fit."""
UNREACHABLE = 3
"""No agent answers, or it is overloaded: retrying with the same `--key` is safe."""
STORAGE = 4
"""The agent's disk refuses: nothing of it counts, retrying with the same `--key` is safe."""
VERIFICATION = 5
"""A check of what is stored or of what was promised has failed."""
INTERNAL = 6
"""The agent reported a fault of its own."""
PARTLY = 7
"""Of several commands the first were done and a later one was not: the error says which."""
INTERRUPTED = 130

MAX_OPTION_NAMES = 12


class UsageError(Exception):
    """The command can not be done as it was given."""


class Unreachable(Exception):
    """Nobody answers at the agent's address."""

    def __init__(self, where: str, cause: str) -> None:
        super().__init__(f"the agent at {where} can not be reached: {cause}")
        self.where = where


class ApiProblem(Exception):
    """The agent's answer is a problem document (RFC 9457). `status` is HTTP's."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or f"HTTP status {status}"))
        self.status = status
        self.problem = problem

    @property
    def exit_code(self) -> int:
        if self.status == 507:
            return STORAGE
        if self.status in (429, 503):
            return UNREACHABLE
        if self.problem.get("code") == "invalid_field" or self.status in (400, 401, 403, 405, 413, 415):
            return USAGE
        return REFUSED if self.status < 500 else INTERNAL


_IN_THE_SHELL = {
    "owner_silent": " (--although-unreachable)",
    "may_be_paid": " (--although-unreachable)",
    "asked_elsewhere": " (--although-unreachable)",
    "check_elsewhere": " (`tillkeeper take`)",
    "check_frozen": " (`tillkeeper cards`)",
    "authorisation_unknown": " (`tillkeeper cards`)",
}
"""What a hint of the agent, which speaks to pages as well, is on the command line."""


class PartlyDone(Exception):
    """A payment of several tenders stopped on the way: `booked` counts, `failed` is refused or in doubt, `unsent` not tried.
    `key` repeats the whole."""

    def __init__(self, error: ApiProblem | Unreachable, booked: list[str], failed: str, unsent: list[str], key: str) -> None:
        super().__init__(str(error))
        self.error, self.booked, self.failed, self.unsent, self.key = error, booked, failed, unsent, key

    @property
    def in_doubt(self) -> bool:
        """The agent may have booked the failed one: it did not say."""
        return isinstance(self.error, Unreachable) or (self.error.status >= 500 and self.error.status not in (503, 507))


EXPECTED = (UsageError, Unreachable, ApiProblem, PartlyDone, TillkeeperError, OSError)


def explain(error: BaseException, *, as_json: bool, code: int | None = None) -> int:
    """Say on standard error what went wrong; answers the exit code: `code`, else that of the error's kind."""
    usual, facts = _facts(error)
    code = usual if code is None else code
    if as_json:
        sys.stderr.write(json.dumps(facts | {"exit_code": code}, ensure_ascii=False, default=str) + "\n")
        return code
    subject = about(clean(facts.get("operation") or ""), clean(facts.get("subject") or ""))
    sys.stderr.write(f"tillkeeper: {subject + ': ' if subject else ''}{clean(facts['cause'])}\n")
    for name in ("booked", "in_doubt", "not_booked"):
        if facts.get(name):
            sys.stderr.write(f"  {name.upper().replace('_', ' ')}: {', '.join(map(clean, facts[name]))}\n")
    if facts.get("hint"):
        by = _IN_THE_SHELL.get(str(facts.get("type") or "").rpartition(":")[2], "")
        sys.stderr.write(f"  hint: {clean(facts['hint'])}{by}\n")
    for problem in facts.get("problems", ()):
        sys.stderr.write(f"  {clean(problem)}\n")
    if isinstance(facts.get("allowed"), list):
        sys.stderr.write(f"  allowed: {', '.join(map(clean, facts['allowed'][:MAX_OPTION_NAMES]))}\n")
    return code


def _facts(error: BaseException) -> tuple[int, dict[str, Any]]:
    if isinstance(error, PartlyDone):
        return PARTLY, _facts(error.error)[1] | _parts(error)
    if isinstance(error, ApiProblem):
        facts = {"cause": str(error)} | error.problem
        return error.exit_code, facts
    if isinstance(error, TillkeeperError):
        code = {"storage_refused": STORAGE, "config_invalid": USAGE, "bind_failed": USAGE, "bad_request": USAGE,
                "mistyped_code": USAGE, "file_rights": USAGE, "broken_keys": USAGE,
                "peer_unreachable": UNREACHABLE, "peer_busy": UNREACHABLE, "garbled": UNREACHABLE}.get(error.code)  # fmt: skip
        facts = {"operation": error.operation, "subject": error.subject, "cause": error.cause, "hint": error.hint}
        if code is None:
            code = INTERNAL if error.status >= 500 else REFUSED
        return code, facts | error.extra
    if isinstance(error, Unreachable):
        hint = "is it running? `systemctl start tillkeeper`; new: `tillkeeper setup`; to try it: `tillkeeper run --embedded`"
        return UNREACHABLE, {"cause": str(error), "hint": hint}
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return USAGE, {"cause": f"{where}{error.strerror or error}"}
    return USAGE, {"cause": str(error)}


def _parts(error: PartlyDone) -> dict[str, Any]:
    doubt, failed = ([error.failed], []) if error.in_doubt else ([], [error.failed])
    hint = "look at it with `check show`; pay what is still due with a new command"
    if error.in_doubt or (isinstance(error.error, ApiProblem) and error.error.status >= 500):
        hint = f"the same command with --key {error.key} goes on where it stopped and books nothing twice"
    return {"booked": error.booked, "in_doubt": doubt, "not_booked": failed + error.unsent, "key": error.key, "hint": hint}
