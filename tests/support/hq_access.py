"""What it takes to ask an HQ, without files for it."""

from functools import partial

from tillkeeper.asking_files import HqAccess, Kept, trust
from tillkeeper.config.model import Hq


def access(hq: Hq, token: str = "the-secret") -> HqAccess:
    """Its authorities are read now."""
    trusted = Kept(("hq", "ca_file"), hq.ca_file, partial(trust, hq))
    trusted.look()
    return HqAccess(hq, lambda: token, trusted.get)
