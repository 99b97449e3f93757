"""What is used of uvicorn, without its command line: the package imports that for its own users (`uvicorn.main`: click and
multiprocessing, 1.5 MiB for as long as the agent runs, and 8 ms of its start)."""

import sys
from types import ModuleType

_COMMAND_LINE = "uvicorn.main"
_WANTED = ("Server", "main", "run")
"""What `uvicorn/__init__.py` takes from there (0.54)."""


def _load() -> None:
    """Import the package with an empty module in the place of its command line."""
    if "uvicorn" in sys.modules:
        return
    empty = ModuleType(_COMMAND_LINE)
    empty.__dict__.update(dict.fromkeys(_WANTED))
    sys.modules[_COMMAND_LINE] = empty
    try:
        import uvicorn
        import uvicorn.server
    finally:
        del sys.modules[_COMMAND_LINE]
    # Whoever imports uvicorn after us finds its server, and its command line by `import uvicorn.main`.
    for name in _WANTED:
        del uvicorn.__dict__[name]
    uvicorn.__dict__["Server"] = uvicorn.server.Server


_load()

from uvicorn.config import Config  # noqa: E402
from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: E402
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol  # noqa: E402
from uvicorn.server import Server  # noqa: E402

__all__ = ["Config", "H11Protocol", "Server", "WSProtocol"]
