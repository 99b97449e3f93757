"""Pictures of papers that nobody prints, for the preview page.

The bytes are encoded here; a child process draws them (`tillkeeper render - --png -`), so that neither the simulator nor its
fonts ever live in the register. One child at a time, few waiting, each with a deadline.
"""

import asyncio
import contextlib
import os
import sys
from collections import OrderedDict
from collections.abc import Callable

from tillkeeper.config.model import Config
from tillkeeper.contract.pages import PreviewOptions
from tillkeeper.errors import Overloaded, TillkeeperError
from tillkeeper.layouts.model import DOCUMENTS
from tillkeeper.layouts.names import languages
from tillkeeper.layouts.previews import Asked, Encoded

MAX_WAITING = 4
MAX_KEPT = 16
MAX_PICTURE_BYTES = 4 * 1024 * 1024
DEADLINE_S = 20.0
NICE = 10
"""A picture never takes the processor from a sale."""

_Key = tuple[str, bytes]


class Pictures:
    """Draws what `encode` makes of a question; the last pictures are kept.

    Args:
        encode: `Registry.preview`.
        columns: widths of the printers that there are.
    """

    def __init__(self, config: Config, encode: Callable[[Asked], Encoded], columns: tuple[int, ...]) -> None:
        self._config = config
        self._encode = encode
        self._columns = columns
        self._one = asyncio.Lock()
        self._waiting = 0
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()

    def options(self) -> PreviewOptions:
        """What can be asked for."""
        return PreviewOptions(
            documents=DOCUMENTS,
            stations={name: station.title for name, station in self._config.stations.items()},
            languages=tuple(sorted(languages())),
            columns=self._columns,
            language=self._config.store.language,
        )

    async def png(self, asked: Asked) -> bytes:
        """The paper as PNG.

        Raises:
            NotFound, BadRequest: no such document, station, language or width.
            Overloaded: `MAX_WAITING` others wait already.
            TillkeeperError: the child did not draw it in time.
        """
        made = self._encode(asked)
        key = (made.profile, made.data)
        if key not in self._kept:
            if self._waiting >= MAX_WAITING:
                raise Overloaded("preview", asked.document, f"{MAX_WAITING} pictures wait already", "ask again in a moment")
            self._waiting += 1
            try:
                async with self._one:
                    if key not in self._kept:
                        self._keep(key, await _drawn(made, asked.document))
            finally:
                self._waiting -= 1
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: _Key, png: bytes) -> None:
        self._kept[key] = png
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


async def _drawn(made: Encoded, document: str) -> bytes:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tillkeeper", "render", "-", "--profile", made.profile, "--png", "-",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    with contextlib.suppress(OSError):  # it is gone already
        os.setpriority(os.PRIO_PROCESS, child.pid, NICE)
    try:
        async with asyncio.timeout(DEADLINE_S):
            png, said = await child.communicate(made.data)
    except TimeoutError as error:
        raise TillkeeperError("preview", document, f"no picture within {DEADLINE_S:.0f} s") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode or not png or len(png) > MAX_PICTURE_BYTES:
        cause = said.decode("utf-8", "replace").strip()[-300:] or "the child that draws wrote no picture"
        raise TillkeeperError("preview", document, cause)
    return png
