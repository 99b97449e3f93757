"""Which machine this is."""

import hashlib
from pathlib import Path


def machine_id() -> str:
    """A digest that says whether this is still the same machine; empty where it can not be told. machine-id(5) asks not to
    show the id itself."""
    try:
        raw = Path("/etc/machine-id").read_bytes().strip()
    except OSError:
        return ""
    return hashlib.sha256(b"tillkeeper:" + raw).hexdigest() if raw else ""
