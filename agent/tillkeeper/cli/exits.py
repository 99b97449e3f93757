"""Exit codes, and errors in words. The codes are documented in `docs/cli.md` and do not change their meaning."""

import json
import sys
from typing import Any

from tillkeeper.cli.terminal import clean
from tillkeeper.errors import TillkeeperError

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
        if self.status in (400, 401, 403, 405, 413, 415):
            return USAGE
        return REFUSED if self.status < 500 else INTERNAL


EXPECTED = (UsageError, Unreachable, ApiProblem, TillkeeperError, OSError)


def explain(error: BaseException, *, as_json: bool) -> int:
    """Say on standard error what went wrong; answers the exit code."""
    code, facts = _facts(error)
    if as_json:
        sys.stderr.write(json.dumps(facts | {"exit_code": code}, ensure_ascii=False, default=str) + "\n")
        return code
    subject = " ".join(clean(facts[key]) for key in ("operation", "subject") if facts.get(key))
    sys.stderr.write(f"tillkeeper: {subject + ': ' if subject else ''}{clean(facts['cause'])}\n")
    if facts.get("hint"):
        sys.stderr.write(f"  hint: {clean(facts['hint'])}\n")
    for problem in facts.get("problems", ()):
        sys.stderr.write(f"  {clean(problem)}\n")
    if isinstance(facts.get("allowed"), list):
        sys.stderr.write(f"  allowed: {', '.join(map(clean, facts['allowed'][:MAX_OPTION_NAMES]))}\n")
    return code


def _facts(error: BaseException) -> tuple[int, dict[str, Any]]:
    if isinstance(error, ApiProblem):
        facts = {"cause": str(error)} | error.problem
        return error.exit_code, facts
    if isinstance(error, TillkeeperError):
        code = {"storage_refused": STORAGE, "config_invalid": USAGE, "bind_failed": USAGE, "bad_request": USAGE}.get(error.code)
        facts = {"operation": error.operation, "subject": error.subject, "cause": error.cause, "hint": error.hint}
        if code is None:
            code = INTERNAL if error.status >= 500 else REFUSED
        return code, facts | error.extra
    if isinstance(error, Unreachable):
        return UNREACHABLE, {"cause": str(error), "hint": "is it running? `tillkeeper run` starts it"}
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return USAGE, {"cause": f"{where}{error.strerror or error}"}
    return USAGE, {"cause": str(error)}
