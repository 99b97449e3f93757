"""The printer of `emupos` at a TCP port of its own. Runs in the environment of the peers, as a process.

    python emupos_printer.py [PROFILE]

Tells on standard output, a JSON object a line: {"port": n} first; {"event": name, "data": {...}} and {"receipt": text,
"boundary": name} as they come. Takes on standard input: {"fault": name, "on": true | false}.

Their device logic is used as it is; what is ours is the socket. The package asks for Python 3.13 for the sake of how types are
written there; an older Python reads `type X = Y` as `X = Y`, `def f[T](` as `def f(`, and no annotation: no statement that does
something is touched.
"""

import __future__

import asyncio
import importlib.machinery
import json
import re
import sys
import time
from typing import Any

_TYPE_STATEMENT = re.compile(rb"^type (\w+) = ", re.MULTILINE)
_TYPE_PARAMETERS = re.compile(rb"^( *def \w+)\[[^\]\n]*\]\(", re.MULTILINE)
_IDLE_MS = 60_000


class _Loader(importlib.machinery.SourceFileLoader):
    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:
        older = _TYPE_PARAMETERS.sub(rb"\1(", _TYPE_STATEMENT.sub(rb"\1 = ", bytes(data)))
        return compile(older, path, "exec", __future__.annotations.compiler_flag, dont_inherit=True, optimize=_optimize)


class _Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname.partition(".")[0] != "emupos":
            return None
        spec = super().find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


if sys.version_info < (3, 13):
    sys.meta_path.insert(0, _Finder)


def _say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


class _Served:
    def __init__(self, profile_name: str) -> None:
        from importlib.resources import files

        import yaml
        from emupos.config import PrinterProfile
        from emupos.printer.printer import Printer

        text = files("emupos").joinpath("profiles", "printers", f"{profile_name}.yaml").read_text("utf-8")
        profile = PrinterProfile.model_validate(yaml.safe_load(text))
        level = profile.drawer_sensor_open_level
        self.printer = Printer("peer", profile, sensor_open_level=level, job_idle_timeout_ms=_IDLE_MS)
        self.writers: dict[str, asyncio.StreamWriter] = {}
        self.count = 0

    def done(self, output: Any) -> None:
        for event in output.events:
            _say(event=str(event.type), data=dict(event.data))
        for receipt in output.receipts:
            _say(receipt=receipt.text, boundary=receipt.boundary)
        for write in output.writes:
            if write.connection in self.writers:
                self.writers[write.connection].write(write.data)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        name = str(self.count)
        self.writers[name] = writer
        self.done(self.printer.open_connection(name, time.monotonic()))
        try:
            while data := await reader.read(4096):
                self.done(self.printer.receive(name, data, time.monotonic()))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            del self.writers[name]
            self.done(self.printer.close_connection(name, time.monotonic()))
            writer.close()

    def told(self, line: str) -> None:
        from emupos.printer.printer import PrinterFault

        request = json.loads(line)
        self.done(self.printer.set_fault(PrinterFault(request["fault"]), request["on"], time.monotonic()))
        _say(done=request)


async def _main(profile_name: str) -> None:
    served = _Served(profile_name)
    server = await asyncio.start_server(served.connection, "127.0.0.1", 0)
    _say(port=server.sockets[0].getsockname()[1])
    while line := await asyncio.to_thread(sys.stdin.readline):
        served.told(line)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1] if len(sys.argv) > 1 else "epson-tm-t20iii"))
