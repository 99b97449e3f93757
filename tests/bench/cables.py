"""Lines between registers and to HQ that the bench cuts: a process of its own, so that what measures carries nothing.

    python -m tests.bench.cables HOST:PORT ...      prints its own ports as JSON, in the same order

Each line of standard input is a command, `cut`, `hole` or `mend`, followed by the numbers of the cables; it is answered by a
line with the bytes that each cable has carried so far, as JSON. It ends with its standard input.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Self

from tests.bench.world import ROOT
from tests.support.lines import Line

Address = tuple[str, int]


class Cables:
    """The process, from outside: `ports[n]` leads to `targets[n]` while the cable `n` is whole. All are whole at first."""

    def __init__(self, targets: Sequence[Address]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.cables", *(f"{host}:{port}" for host, port in targets)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.ports: list[int] = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def cut(self, cables: Iterable[int]) -> None:
        """What is open is reset, and nobody answers, when this returns."""
        self._say("cut", cables)

    def hole(self, cables: Iterable[int]) -> None:
        """What is open stays so, new ones are taken, and nothing goes through: as behind a router without its uplink."""
        self._say("hole", cables)

    def mend(self, cables: Iterable[int]) -> None:
        self._say("mend", cables)

    def carried(self) -> list[int]:
        """Bytes through each cable so far, both ways."""
        return self._say("mend", ())

    def _say(self, what: str, cables: Iterable[int]) -> list[int]:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join([what, *map(str, cables)]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> list[int]:
        assert self._process.stdout is not None
        answer: list[int] = json.loads(self._process.stdout.readline())
        return answer


async def _carry(targets: Sequence[Address]) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(Line(target)) for target in targets]
        print(json.dumps([line.address[1] for line in lines]), flush=True)
        while words := (await reader.readline()).decode().split():
            for number in words[1:]:
                line = lines[int(number)]
                if words[0] == "hole":
                    line.hole()
                else:
                    await (line.cut() if words[0] == "cut" else line.mend())
            print(json.dumps([line.carried for line in lines]), flush=True)


def _target(text: str) -> Address:
    host, port = text.rsplit(":", 1)
    return host, int(port)


if __name__ == "__main__":
    asyncio.run(_carry([_target(text) for text in sys.argv[1:]]))
