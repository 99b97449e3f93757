"""Who may do what: each register its own log and its own store's books, readers the books of their store.

The file is TOML, or JSON of the same shape:

    [[registers]]
    store = "corner"
    register = "till-1"
    token = "at least 16 characters"      # or token_sha256 = "hex"

    [[readers]]
    store = "corner"                       # "*": every store
    token = "..."

    [[integrations]]
    store = "corner"
    name = "web shop"                      # may give the store orders and ask what became of them, nothing else
    token = "..."

    [[stores]]
    store = "corner"
    authority = "64 hex digits"            # the store's public key: with it HQ believes what registers relay
"""

import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

ENV_NAME = "TILLKEEPER_HQ_CREDENTIALS"
"""Environment variable that holds the JSON form, where there is no file."""

ALL_STORES = "*"
_Name = Annotated[str, Meta(min_length=1, max_length=64)]
_Token = Annotated[str, Meta(min_length=16, max_length=512)]
_Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class CredentialsInvalid(Exception):
    """The file cannot be used; the message says where and why, without any secret."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    store: _Name
    register: _Name | None = None
    token: _Token | None = None
    token_sha256: _Hex | None = None


class _Integration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    store: _Name
    name: _Name
    token: _Token | None = None
    token_sha256: _Hex | None = None


class _Store(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    store: _Name
    authority: _Hex


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    registers: tuple[_Entry, ...] = ()
    readers: tuple[_Entry, ...] = ()
    integrations: tuple[_Integration, ...] = ()
    stores: tuple[_Store, ...] = ()


class Caller(msgspec.Struct, frozen=True):
    """Who a token belongs to. `register` is empty for a reader; `integration` is the name of one that reads nothing."""

    store: str
    register: str
    integration: str = ""

    def may_read(self, store: str) -> bool:
        return not self.integration and self.store in (store, ALL_STORES)


class Credentials:
    """Keeps digests of the tokens, not the tokens. `authorities`: store -> the public key that signs its roster, in hex.
    `registers`: (store, register) of all that may send."""

    def __init__(self, entries: tuple[tuple[bytes, Caller], ...], authorities: Mapping[str, str]) -> None:
        self._entries = entries
        self.authorities = authorities
        self.registers = tuple(sorted((caller.store, caller.register) for _, caller in entries if caller.register))

    def caller(self, token: str) -> Caller | None:
        """Whose token this is. Compares with every entry in constant time, so that timing tells nothing."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        found = None
        for known, caller in self._entries:
            if hmac.compare_digest(known, digest):
                found = caller
        return found


def load(path: Path) -> Credentials:
    """Raises CredentialsInvalid."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsInvalid(f"{path.name}: {error}") from error
    return parse(text, path.name)


def parse(text: str, name: str) -> Credentials:
    """`text` is JSON if it starts with a brace, else TOML. `name` is for messages. Raises CredentialsInvalid."""
    try:
        data = msgspec.json.decode(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        file = msgspec.convert(data, _File)
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise CredentialsInvalid(f"{name}: {error}") from error
    entries = [(_digest(e, name), Caller(e.store, _register(e, name))) for e in file.registers]
    for entry in file.readers:
        if entry.register is not None:
            raise CredentialsInvalid(f"{name}: a reader of store {entry.store} names a register")
        entries.append((_digest(entry, name), Caller(entry.store, "")))
    for shop in file.integrations:
        if shop.store == ALL_STORES:
            raise CredentialsInvalid(f"{name}: the integration {shop.name} needs its store")
        entries.append((_digest(shop, name), Caller(shop.store, "", shop.name)))
    if len({digest for digest, _ in entries}) != len(entries):
        raise CredentialsInvalid(f"{name}: two entries have the same token")
    authorities = {one.store: one.authority for one in file.stores}
    if len(authorities) != len(file.stores):
        raise CredentialsInvalid(f"{name}: two of [[stores]] are the same store")
    return Credentials(tuple(entries), authorities)


def _register(entry: _Entry, name: str) -> str:
    if entry.register is None or entry.store == ALL_STORES:
        raise CredentialsInvalid(f"{name}: each of [[registers]] needs its store and register (store {entry.store})")
    return entry.register


def _digest(entry: _Entry | _Integration, name: str) -> bytes:
    if (entry.token is None) == (entry.token_sha256 is None):
        raise CredentialsInvalid(f"{name}: store {entry.store}: give either token or token_sha256")
    if entry.token is not None:
        return hashlib.sha256(entry.token.encode()).digest()
    return bytes.fromhex(entry.token_sha256 or "")
