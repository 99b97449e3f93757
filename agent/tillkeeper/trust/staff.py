"""The store's people at a register that joins: it gets their roster with the secret that their PINs are keyed with."""

from pathlib import Path

from tillkeeper.errors import TillkeeperError
from tillkeeper.people import pins, roster
from tillkeeper.trust import files

ASIDE = ".before-joining"


def take(file: Path, handed: bytes, store: str, secret: str) -> str:
    """Put the roster that was handed over in its place; what a person should know of it, in words. One that is there stays
    where its PINs are keyed with the store's secret, else it is set aside. Who was admitted belongs to the
    store with or without it, so nothing is raised but StorageRefused by a full disk: there is room some time later."""
    later = f"they come from the other registers while no other roster is at {file}"
    try:
        there = files.read(file)
        if there is not None and _is_keyed_with(secret, there, store, file):
            return ""
        old = "" if there is None else "PINs that were made on this register alone no longer open anything; "
        if not handed:
            return f"{old}people did not come with it: {later}" if old else ""
        people = roster.decode(handed, store, "the roster that was handed over")
        if there is not None:
            files.write(file.with_name(file.name + ASIDE), there)
        files.write(file, handed)
    except TillkeeperError as error:
        if files.is_full(error.__cause__):
            raise
        return f"people did not come with it ({error.subject}: {error.cause}): {later}"
    count = len(people.members)
    return f"{old}{count} {'person' if count == 1 else 'people'} of the store came with it, with their PINs"


def _is_keyed_with(secret: str, there: bytes, store: str, file: Path) -> bool:
    try:
        return roster.decode(there, store, str(file)).secret_id == pins.secret_id(secret)
    except TillkeeperError:
        return False
