"""Texts about persons: kept beside the chain, erasable."""

import os

from tillkeeper.contract.chain import personal_digest
from tillkeeper.journal.records import PersonalText

SALT_BYTES = 16


def make_personal(text: str) -> PersonalText:
    """What goes beside the chain; the event gets `Personal(digest)`. The salt is new each time, so that two mentions of one
    person cannot be told to be the same from the chain alone. `Journal.erase` deletes it again."""
    salt = os.urandom(SALT_BYTES).hex()
    return PersonalText(personal_digest(salt, text), salt, text)
