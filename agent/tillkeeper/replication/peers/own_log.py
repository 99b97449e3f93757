"""The log that is written here, as others say they have it."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from tillkeeper.contract.ed25519 import verify
from tillkeeper.contract.envelope import SignedHead
from tillkeeper.contract.signing import is_signed
from tillkeeper.errors import StorageRefused
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.peers.parts import PeersParts
from tillkeeper.replication.peers.state import PeerState


class OwnLog:
    """Finds that this register is a restored copy of itself, or has been cloned."""

    def __init__(self, parts: PeersParts, heads: Callable[[], dict[LogId, Mark]]) -> None:
        self._parts, self._heads = parts, heads

    def compare(self, state: PeerState, marks: Sequence[Mark]) -> None:
        """Only what this register signed counts: a register that lies about its marks changes nothing."""
        heads = self._heads()
        for mark in marks:
            if mark.register != self._parts.register or (mine := heads.get(mark.log)) is None:
                continue
            head = mark.head
            if head is None or (head.register, head.incarnation) != mark.log or not self._is_mine(head, mine):
                if mark.seq > mine.seq:
                    state.alarm = (
                        f"register {state.register} says it holds {mark.seq} events of log {mark.incarnation}, which has "
                        f"{mine.seq}; it shows no signature for that and is not believed"
                    )
                continue
            if head.seq > mine.seq:
                words = f"register {state.register} holds {head.seq} events of it, signed, and this register {mine.seq}"
                self._parts.renewals.conflict(mark.log, "peer_holds_more", words)
            elif self.hash_at(mine, head.seq) not in ("", head.hash):
                words = f"register {state.register} holds another event {head.seq} of it, signed too"
                self._parts.renewals.conflict(mark.log, "forked_log", words)

    def _is_mine(self, head: SignedHead, mine: Mark) -> bool:
        """Whether this register signed it. One that agrees with what is here needs no look at the signature."""
        if head.seq <= mine.seq and self.hash_at(mine, head.seq) == head.hash:
            return True
        return head.store == self._parts.store and is_signed(head, self._parts.keys.roster.keys(self._parts.register), verify)

    def hash_at(self, mine: Mark, seq: int) -> str:
        """Of an own log; empty where it can not be read."""
        if seq == mine.seq:
            return mine.hash
        with suppress(StorageRefused):
            return next((event.hash for event in self._parts.library.events(mine.log, seq - 1, 1)), "")
        return ""
