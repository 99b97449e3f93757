"""Which registers belong to a store: a set of statements that the store's authority has signed. Two rosters become one by
union, so it does not matter in which order registers hear of what, and an older one takes nothing back. Pure.

What is signed is text, so that it can be followed by hand:

    "tillkeeper-admitted-1\\n" store "\\n" register "\\n" key "\\n" term "\\n" may_admit (0 or 1) "\\n"
    "tillkeeper-left-1\\n" store "\\n" register "\\n" key "\\n" {incarnation " " seq "\\n"}      in the order of incarnations
"""

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Id
from tillkeeper.contract.ed25519 import verify

MAX_ADMITTED, MAX_LEFT = 512, 1024
"""Statements of each kind that a roster keeps. There is always room for a register to leave."""
MAX_LEFT_BYTES = 512 * 1024
"""Of what the leavings say: a roster is told in one message (1 MiB)."""
MAX_FORGED = 8
"""Signatures that are checked in vain in one call; what comes after them is not looked at."""
MAX_INCARNATIONS = 256

Key = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Signature = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}$(?!\n)")]
Seq = Annotated[int, Meta(ge=0, le=2**53)]


class Admitted(msgspec.Struct, frozen=True, kw_only=True, tag="admitted"):
    """`key` speaks for `register`. A register's admission of the highest `term` is the one that counts. `may_admit`: it was
    given the authority's key too."""

    store: Id
    register: Id
    key: Key
    term: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    may_admit: bool = False


class Left(msgspec.Struct, frozen=True, kw_only=True, tag="left"):
    """`key` speaks for nobody any more, for ever. `finals`: incarnation -> the last event of that log that counts."""

    store: Id
    register: Id
    key: Key
    finals: Annotated[dict[Id, Seq], Meta(max_length=MAX_INCARNATIONS)] = {}


Statement = Admitted | Left


class Signed(msgspec.Struct, frozen=True):
    """A statement with the authority's signature over `canonical`."""

    statement: Statement
    signature: Signature


class Member(msgspec.Struct, frozen=True):
    """A register that belongs to the store now."""

    register: str
    key: str
    term: int
    may_admit: bool


class Merge(msgspec.Struct, frozen=True):
    """`added`: how many statements were new. `refused`: those that the authority did not sign, that are of another store or
    one too many."""

    roster: "Roster"
    added: int
    refused: tuple[Signed, ...]


def canonical(statement: Statement) -> bytes:
    """What is signed. Raises ValueError for a line break in a field, which would make two statements one."""
    one = statement
    if isinstance(one, Admitted):
        lines = ["tillkeeper-admitted-1", one.store, one.register, one.key, str(one.term), str(int(one.may_admit))]
    else:
        lines = ["tillkeeper-left-1", one.store, one.register, one.key]
        lines += [f"{incarnation} {seq}" for incarnation, seq in sorted(one.finals.items())]
    text = "".join(f"{line}\n" for line in lines)
    if text.count("\n") != len(lines):
        raise ValueError("a statement holds a line break")
    return text.encode()


def leavings(store: str, register: str, key: str, finals: Mapping[str, int]) -> list[Left]:
    """As many statements as it takes to say it: `Roster.bound` puts them together again."""
    said = sorted(finals.items())
    parts = [dict(said[at : at + MAX_INCARNATIONS]) for at in range(0, max(1, len(said)), MAX_INCARNATIONS)]
    return [Left(store=store, register=register, key=key, finals=part) for part in parts]


class Roster:
    """Immutable. `authority`: its public key in hex."""

    __slots__ = ("_admissions", "_by_text", "_finals", "_of_key", "authority", "digest", "members", "store")

    def __init__(self, store: str, authority: str, _by_text: Mapping[bytes, Signed] | None = None) -> None:
        """An empty roster; statements come in by `merged`, which checks them."""
        self.store = store
        self.authority = authority
        self._by_text = dict(sorted((_by_text or {}).items()))
        self.digest = hashlib.sha256(b"".join(self._by_text)).hexdigest() if self._by_text else ""
        """Of the set of statements, in hex; empty for none."""
        self._admissions: dict[str, list[Admitted]] = {}
        self._of_key: dict[str, str] = {}
        self._finals: dict[tuple[str, str], dict[str, int]] = {}
        for signed in self._by_text.values():
            one = signed.statement
            if isinstance(one, Admitted):
                self._admissions.setdefault(one.register, []).append(one)
            else:
                finals = self._finals.setdefault((one.register, one.key), {})
                for incarnation, seq in one.finals.items():
                    finals[incarnation] = max(seq, finals.get(incarnation, 0))
        self.members: Mapping[str, Member] = MappingProxyType(self._find_members())
        """Register -> who speaks for it now."""

    def _find_members(self) -> dict[str, Member]:
        gone = {key for _register, key in self._finals}
        members = {}
        for register, admissions in sorted(self._admissions.items()):
            newest = max(admissions, key=lambda one: (one.term, one.key))
            if newest.key not in gone:
                may_admit = any(one.may_admit for one in admissions if one.key == newest.key)
                members[register] = Member(register, newest.key, newest.term, may_admit)
                self._of_key[newest.key] = register
        return members

    @property
    def statements(self) -> tuple[Signed, ...]:
        """In an order that depends on what they say alone."""
        return tuple(self._by_text.values())

    def admits(self, key: str) -> str:
        """For which register this key speaks now; empty for none: unknown, left, or there is a newer one."""
        return self._of_key.get(key, "")

    def has_left(self, key: str) -> bool:
        return any(gone == key for _register, gone in self._finals)

    def keys(self, register: str) -> frozenset[str]:
        """All that ever spoke for it."""
        return frozenset(one.key for one in self._admissions.get(register, ()))

    def staying(self, register: str) -> frozenset[str]:
        """Its keys that have not left: more than one while an older one's leaving is not signed yet."""
        return frozenset(key for key in self.keys(register) if (register, key) not in self._finals)

    def next_term(self, register: str) -> int:
        return 1 + max((one.term for one in self._admissions.get(register, ())), default=0)

    def bound(self, register: str, key: str, incarnation: str) -> int | None:
        """Up to which seq events of that log count where `key` signed them: None: all; 0: none (a key that never spoke for
        this register, or a log that it had not begun when it left)."""
        if key not in self.keys(register):
            return 0
        finals = self._finals.get((register, key))
        return None if finals is None else finals.get(incarnation, 0)

    def merged(self, statements: Iterable[Signed]) -> Merge:
        """The union of both. What is known costs no check of its signature."""
        by_text = dict(self._by_text)
        counts = {kind: sum(isinstance(one.statement, kind) for one in by_text.values()) for kind in (Admitted, Left)}
        left_bytes = sum(len(text) for text, one in by_text.items() if isinstance(one.statement, Left))
        refused: list[Signed] = []
        forged = 0
        for signed in statements:
            if forged >= MAX_FORGED:
                refused.append(signed)
                continue
            one = signed.statement
            text = _text(one)
            if text in by_text:
                continue
            if isinstance(one, Admitted):
                full = counts[Admitted] >= MAX_ADMITTED
            else:
                full = counts[Left] >= MAX_LEFT or left_bytes + len(text) > MAX_LEFT_BYTES
            if not text or full or one.store != self.store:
                refused.append(signed)
            elif not verify(self.authority, text, signed.signature):
                forged += 1
                refused.append(signed)
            else:
                by_text[text] = signed
                counts[type(one)] += 1
                left_bytes += len(text) if isinstance(one, Left) else 0
        added = len(by_text) - len(self._by_text)
        return Merge(Roster(self.store, self.authority, by_text) if added else self, added, tuple(refused))


def _text(statement: Statement) -> bytes:
    try:
        return canonical(statement)
    except ValueError:
        return b""
