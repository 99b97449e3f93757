"""The rosters of stores: who may sign for which register. Kept as signed statements, so that they can only grow.

The store's authority is pinned in the credentials; without it HQ can check nobody's signature and takes no relays.
"""

from collections.abc import Iterable, Mapping

import msgspec

from tillkeeper.contract.ed25519 import verify
from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.roster import Merge, Roster, Signed, canonical
from tillkeeper.contract.signing import check_head
from tillkeeper_hq.ingest import Taking
from tillkeeper_hq.sql import Sql


class NoAuthority(Exception):
    """The credentials pin no authority of this store."""


class RosterBody(msgspec.Struct, frozen=True):
    """What a register posts."""

    store: str
    statements: tuple[Signed, ...] = ()


class RosterAnswer(msgspec.Struct, frozen=True):
    """`digest`: of the roster that HQ has now. `added`: statements that were new to it. `refused`: how many it does not
    believe."""

    digest: str
    added: int
    refused: int


class Rosters:
    """Belongs to one thread. Other processes may add statements: each time is looked whether there are more."""

    def __init__(self, authorities: Mapping[str, str]) -> None:
        self._authorities = authorities
        self._known: dict[str, tuple[int, Roster]] = {}

    def current(self, sql: Sql, store: str) -> Roster | None:
        """None where no authority is pinned. Inside a transaction."""
        authority = self._authorities.get(store)
        if authority is None:
            return None
        count, roster = self._known.get(store, (0, Roster(store, authority)))
        ((found,),) = sql.rows("SELECT COUNT(*) FROM statements WHERE store = $1", store)
        if found != count:
            rows = sql.rows("SELECT signed FROM statements WHERE store = $1 ORDER BY statement", store)
            statements = [msgspec.json.decode(signed, type=Signed) for (signed,) in rows]
            for one in statements:  # one by one: those of an authority that was replaced must not use up what forged ones may
                roster = roster.merged([one]).roster
            self._known[store] = found, roster
        return self._known.get(store, (0, roster))[1]

    def checked(self, sql: Sql, batch: HqBatch, sender: str) -> tuple[Taking, str]:
        """The batch as it may be taken in, and the digest of the roster. `sender`: the register whose token brings it. Inside
        a transaction.

        Raises:
            NoAuthority: a relay, and nothing to check it by.
            contract.signing.HeadRefused: no signature where one is needed, or one that does not hold.
        """
        relayed = batch.register != sender
        roster = self.current(sql, batch.store)
        if roster is None and relayed:
            raise NoAuthority(batch.store)
        keys = roster.keys(batch.register) if roster is not None else frozenset()
        taken = check_head(batch, keys, verify, relayed=relayed)
        last_accepted = None
        if roster is not None and taken.head is not None:
            last_accepted = roster.bound(batch.register, taken.head.key, batch.incarnation)
        return Taking(taken, last_accepted, relayed, sender), roster.digest if roster is not None else ""


class RosterDesk:
    """Takes statements in. Belongs to the writing thread."""

    def __init__(self, authorities: Mapping[str, str]) -> None:
        self._authorities = authorities
        self._rosters = Rosters(authorities)

    def take(self, sql: Sql, store: str, statements: Iterable[Signed]) -> RosterAnswer:
        """Inside a transaction. Raises: NoAuthority."""
        roster = self._rosters.current(sql, store)
        if roster is None:
            raise NoAuthority(store)
        merge: Merge = roster.merged(statements)
        rows = [(store, canonical(one.statement), msgspec.json.encode(one)) for one in merge.roster.statements]
        if merge.added:
            sql.many("INSERT INTO statements (store, statement, signed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", rows)
        return RosterAnswer(merge.roster.digest, merge.added, len(merge.refused))
