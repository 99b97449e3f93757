"""Who gets what. Pure: the order of the registers, who is heard and who holds how much come in.

The order is the same on all registers of a store: primary and backup first, then as in the config (`roles/keeper.py`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from tillkeeper.replication.model import LogId, Mark

COPIES = 2
"""So many other registers get what this one writes and holds."""
SILENT_S = 3.0
"""After so long without a word a register counts as silent: three beats."""


class Author(msgspec.Struct, frozen=True):
    """What a register last said of its own logs. `age_s`: how long ago that was. `hq`: whether it reaches HQ. `heads`: the last
    seq of each log that it has itself; what is missing here it has lost."""

    age_s: float
    hq: bool
    heads: Mapping[str, int]


def lines(order: Sequence[str], me: str, reachable: Collection[str], copies: int = COPIES) -> tuple[str, ...]:
    """Registers to keep a line to: in the order, up to the one that makes `copies` reachable ones. A preferred one that is away
    stays among them and is tried again; one further down is let go once it is not needed."""
    found, count = [], 0
    for register in order:
        if register == me:
            continue
        found.append(register)
        count += register in reachable
        if count == copies:
            break
    return tuple(found)


def to_relay(held: Mapping[LogId, Mark], authors: Mapping[str, Author]) -> frozenset[LogId]:
    """The logs held for others that HQ may not get from whoever wrote them: it is silent, says that it does not reach HQ, or
    has less of the log than is held here (its disk was lost, or restored)."""
    return frozenset(log for log, mark in held.items() if _needs_help(log, mark, authors.get(log.register)))


def _needs_help(log: LogId, mark: Mark, author: Author | None) -> bool:
    if author is None or author.age_s > SILENT_S or not author.hq:
        return True
    return author.heads.get(log.incarnation, 0) < mark.seq


def only_here(heads: Mapping[LogId, int], copies: Iterable[Mapping[LogId, int]]) -> int:
    """Own events that no other machine has answered for. `heads`: own logs; `copies`: what each sink has answered for."""
    kept = list(copies)
    return sum(max(0, head - max((one.get(log, 0) for one in kept), default=0)) for log, head in heads.items())


def may_adopt(order: Sequence[str], me: str, author: str, reachable: Collection[str], heard_by: Collection[str]) -> bool:
    """Whether this register prints the tickets of one that has been silent: nobody else hears it, and no register before this
    one in the order is reachable.

    Args:
        reachable: registers that this one hears.
        heard_by: those of them that say they hear the author.
    """
    if heard_by or author in reachable or author == me:
        return False
    first = next((register for register in order if register != author and (register == me or register in reachable)), "")
    return first == me
