"""What a run found: checks with their verdicts, and what went over the wire."""

from collections import Counter
from typing import Literal

import msgspec

Verdict = Literal["passed", "failed", "skipped", "not_run"]


class Exchange(msgspec.Struct, frozen=True):
    """One request and its answer, shortened for reading. `status` 0: there was no answer, and `came` says why."""

    sent: str
    status: int
    came: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`clause`: the number of the duty in the contract, or the name of its other parts. `sentence`: what the contract says,
    word for word. `reason`: why it failed, was skipped or did not run. `exchanges`: of a failed check, oldest first."""

    check: str
    clause: str
    verdict: Verdict
    sentence: str
    reason: str = ""
    exchanges: tuple[Exchange, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`logs`: incarnations that were made up begin with this."""

    url: str
    store: str
    register: str
    logs: str
    results: tuple[Result, ...]

    @property
    def counts(self) -> dict[Verdict, int]:
        found = Counter(result.verdict for result in self.results)
        return {verdict: found[verdict] for verdict in ("passed", "failed", "skipped", "not_run")}

    @property
    def failed(self) -> frozenset[str]:
        return frozenset(result.check for result in self.results if result.verdict == "failed")

    @property
    def conforms(self) -> bool:
        """Nothing failed, and everything that can be tested here was."""
        return not self.counts["failed"] and not self.counts["not_run"]


class Broken(Exception):
    """HQ did not do what the contract says."""


class Skipped(Exception):
    """The check can not be made here."""


class NoHq(Exception):
    """The run can not begin: nothing answers as HQ at this address."""


class TokenRefused(Exception):
    """The run can not begin: HQ does not take the token for this store and register."""
