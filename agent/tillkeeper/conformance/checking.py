"""How checks are written: a coroutine that raises `Broken` or `Skipped`, under a name and the clause it rests on."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tillkeeper.conformance.clauses import Clause
from tillkeeper.conformance.logs import Log
from tillkeeper.conformance.model import Broken
from tillkeeper.conformance.wire import Answer, Wire
from tillkeeper.contract.envelope import HqAnswer


class Bench:
    """What a check works with. `authority`: the seed of the store's authority (32 bytes), None where none was given."""

    def __init__(self, wire: Wire, store: str, register: str, logs: str, authority: bytes | None = None) -> None:
        self.wire, self.store, self.register, self.authority = wire, store, register, authority
        self._logs = logs
        self._made = 0

    def name(self) -> str:
        """An id that nothing had before."""
        self._made += 1
        return f"{self._logs}-{self._made}"

    def log(self) -> Log:
        """A new log of this register, in an incarnation of its own."""
        return Log(self.store, self.register, self.name())

    def notes(self, count: int) -> Log:
        log = self.log()
        log.notes(count)
        return log


Body = Callable[[Bench], Awaitable[None]]


class Check(NamedTuple):
    name: str
    clause: Clause
    body: Body


class Checks:
    """The checks of one file, in the order in which they stand there."""

    def __init__(self) -> None:
        self.all: list[Check] = []

    def __call__(self, name: str, clause: Clause) -> Callable[[Body], Body]:
        def take(body: Body) -> Body:
            self.all.append(Check(name, clause, body))
            return body

        return take


def same(found: object, wanted: object, what: str) -> None:
    """Raises Broken."""
    if found != wanted:
        raise Broken(f"{what}: expected {wanted!r}, found {found!r}"[:1000])


def verdicts(answer: HqAnswer, wanted: str) -> None:
    """`wanted`: one word an event, `rejected/forked_log` where the reason counts. Raises Broken."""
    words = wanted.split()
    found = [f"{v.verdict}/{v.reason}" if "/" in word else v.verdict for v, word in zip(answer.verdicts, words, strict=True)]
    if found != words:
        reasons = [f"{v.verdict}/{v.reason}" if v.reason else v.verdict for v in answer.verdicts]
        raise Broken(f"verdicts: expected {', '.join(words)}, found {', '.join(reasons)}"[:1000])


def stored(answer: HqAnswer) -> None:
    """All of them. Raises Broken."""
    bad = [f"{v.seq} {v.verdict} {v.reason}" for v in answer.verdicts if v.verdict != "stored"]
    if bad:
        raise Broken(f"expected all to be stored, found: {', '.join(bad)}"[:1000])


def held(answer: HqAnswer, wanted: int) -> None:
    same(answer.held_seq, wanted, "held_seq")


def refused(answer: Answer, *statuses: int) -> None:
    """Raises Broken."""
    if answer.status not in statuses:
        came = f"HTTP {answer.status}" if answer.status else f"no answer ({answer.body.decode(errors='replace')[:200]})"
        raise Broken(f"expected HTTP {' or '.join(map(str, statuses))}, found {came}")
