"""Keys of a store's registers, as they are on their disks once all have joined."""

from collections.abc import Mapping
from pathlib import Path

from tillkeeper.contract.roster import Admitted, Roster, Statement
from tillkeeper.trust.admitting import signed
from tillkeeper.trust.certificates import authority_certificate, register_certificate
from tillkeeper.trust.keys import KeyPair
from tillkeeper.trust.shelf import Kept, Shelf

AUTHORITY = KeyPair(bytes(range(32)))


def join_all(store: str, registers: Mapping[str, Path], *more: Statement, authority: KeyPair = AUTHORITY) -> Roster:
    """Puts keys, certificates and a roster of all of them into each data folder; `more` statements go into every roster."""
    for folder in registers.values():
        folder.mkdir(parents=True, exist_ok=True)
    pairs = {register: Shelf(folder).draft_key() for register, folder in registers.items()}
    statements = [Admitted(store=store, register=name, key=pair.key) for name, pair in pairs.items()]
    roster = Roster(store, authority.key).merged([signed(authority, one) for one in (*statements, *more)]).roster
    for register, folder in registers.items():
        shelf = Shelf(folder)
        own = register_certificate(authority, store, register, pairs[register].key)
        shelf.keep_certificates(own, authority_certificate(authority, store))
        kept = Kept(store=store, register=register, authority=authority.key, act="joined", statements=roster.statements)
        shelf.keep(kept)
    return roster
