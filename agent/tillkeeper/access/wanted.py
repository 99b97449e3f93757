"""When a register needs another certificate, and what is asked of the process that makes it. Pure."""

from collections.abc import Sequence

import msgspec

DAY_MS = 86_400_000
BEFORE_MS, AFTER_MS = 30 * DAY_MS, 367 * DAY_MS
"""Valid from a month ago, so that a tablet whose clock is behind takes it, 397 days in all."""
RENEW_MS = 60 * DAY_MS
"""Before its end a new one is made. Devices see nothing of it: what they trust is the authority."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a certificate speaks. `secret_id`: tells two store secrets apart and says nothing of either."""

    store: str
    register: str
    secret_id: str
    addresses: tuple[str, ...]
    names: tuple[str, ...]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What lies beside the certificate. `authority`: the web authority's certificate (PEM), `fingerprint` its SHA-256 in hex;
    `pem_sha256`: of the file with key and certificate."""

    version: int = 1
    wanted: Wanted
    begins_ms: int
    ends_ms: int
    authority: str
    fingerprint: str
    pem_sha256: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """To the process that makes certificates, on its standard input."""

    store_secret: str
    wanted: Wanted
    begins_ms: int
    ends_ms: int


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """Its answer. `leaf`: the register's new key and certificate (PEM)."""

    authority: str
    fingerprint: str
    leaf: str


def validity(now_ms: int) -> tuple[int, int]:
    """From when to when a certificate holds that is made now."""
    return now_ms - BEFORE_MS, now_ms + AFTER_MS


def is_due(kept: Kept | None, wanted: Wanted, now_ms: int) -> bool:
    """Whether there has to be a new one: something it says has changed, it ends soon, or the clock was wrong when it was made.
    An address that went away does not matter: a cable that is out for a minute makes none."""
    if kept is None or msgspec.structs.replace(kept.wanted, addresses=()) != msgspec.structs.replace(wanted, addresses=()):
        return True
    if not set(wanted.addresses) <= set(kept.wanted.addresses):
        return True
    return not kept.begins_ms <= now_ms < kept.ends_ms - RENEW_MS


def grouped(fingerprint: str) -> str:
    """As devices show it: A1:B2:..."""
    return ":".join(fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2)).upper()


def own_addresses(found: Sequence[str], most: int = 16) -> tuple[str, ...]:
    """Sorted, each once, and not without end."""
    return tuple(sorted(set(found)))[:most]
