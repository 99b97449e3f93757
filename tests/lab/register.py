"""A register of the lab: the real prober in its namespace, and at the other end of its socket one who does what the agent does
for it.

The stand-in beats HQ once a second over HTTP through the namespace, tells the prober of it, takes its reports and folds them
into a timeline."""

import asyncio
import collections
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from tests.lab.closing import Closing
from tests.lab.places import ANYCAST, CHECK_NAME, HQ, HQ_NAME, HQ_PORT, MODEM, V4, lan4, lan6
from tests.lab.spaces import now_s
from tests.lab.topology import Lab
from tests.support import toml

from tillkeeper.network import wire
from tillkeeper.network.model import Report, UplinkSeen
from tillkeeper.network.timeline import Entry, Timeline

BEAT_S, TIMEOUT_S = 1.0, 3.0
END_S = 10.0
MOST_REPORTS = 20_000
STATUSES = {401: "credentials_refused", 403: "credentials_refused"}


def config(lab: Lab, register: str, folder: Path) -> str:
    """The register's file, as far as a prober reads it."""
    lan = lan4 if lab.has(V4) else lan6

    def at(host: str) -> str:
        return f"{lan(host)}:9100" if lab.has(V4) else f"[{lan(host)}]:9100"

    links: dict[str, dict[str, str]] = {}
    if lab.shape.managed and lab.has(V4):
        links["switch"] = {"address": lan4("switch")}
    if lab.shape.modem and lab.has(V4):
        links["modem"] = {"address": MODEM}
    return toml.dumps(
        {
            "this_register": register,
            "data_dir": str(folder),
            "registers": {name: {"letter": "ABC"[number]} for number, name in enumerate(lab.shape.names)},
            "devices": {
                "printer": {"kind": "escpos", "address": at("printer")},
                "display": {"kind": "escpos_display", "address": at("display")},
            },
            "hq": {"url": f"http://{HQ_NAME}:{HQ_PORT}"},
            "network": {
                "interface": "eth0",
                "socket": "probe.sock",
                "key_file": str(folder.parent / "beacon.key"),
                "families": list(lab.shape.families),
                "anycast": [address for family in lab.shape.families for address in ANYCAST[family]],
                "portal_url": f"http://{CHECK_NAME}/generate_204",
                "links": links,
            },
        }
    )


class Watched(Closing):
    """`async with Watched(lab, "r1", folder) as register`. `within`: a command to start the prober by. `reports`: (arrival,
    report), CLOCK_BOOTTIME, the newest `MOST_REPORTS`."""

    def __init__(self, lab: Lab, name: str, folder: Path, within: Sequence[str] = ()) -> None:
        super().__init__()
        self._within = within
        self.lab, self.name = lab, name
        self._folder = folder / name
        self.reports: collections.deque[tuple[float, Report]] = collections.deque(maxlen=MOST_REPORTS)
        self.timeline = Timeline()
        self.hello: wire.Hello | None = None
        self.beats = 0
        self.last: Report | None = None
        self._news = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._uplink = UplinkSeen(at_s=now_s(), ok_at_s=None, failed_at_s=None, beat_s=BEAT_S)
        self._decoder: msgspec.json.Decoder[wire.FromProber] = msgspec.json.Decoder(wire.FromProber)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ValueError("no prober runs")
        return self._process.pid

    async def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / "probe.sock"
        path.unlink(missing_ok=True)
        file = self._folder / "tillkeeper.toml"
        file.write_text(config(self.lab, self.name, self._folder), "utf-8")
        server = await asyncio.start_unix_server(self._talk, path, limit=wire.MAX_LINE)
        self._closing.callback(server.close)
        program = str(Path(sys.executable).with_name("tillkeeper"))
        command = ("ip", "netns", "exec", self.lab.space(self.name), *self._within, program, "probe")
        log = self._closing.enter_context((self._folder / "probe.log").open("wb"))
        environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        self._process = await asyncio.create_subprocess_exec(
            *command, "--config", str(file), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        self._closing.push_async_callback(self._end)
        beating = asyncio.create_task(self._beat_for_ever())

        async def end_beats() -> None:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating

        self._closing.push_async_callback(end_beats)

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), END_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._writer is not None:
            self._writer.close()

    def said(self) -> str:
        """The end of the prober's log."""
        return (self._folder / "probe.log").read_text("utf-8", "replace")[-4_000:]

    # --- what the agent does ---

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._tell()
        try:
            while line := await reader.readline():
                self._take(self._decoder.decode(line), now_s())
        except OSError:
            pass
        finally:
            writer.close()

    def _take(self, message: wire.FromProber, at_s: float) -> None:
        if isinstance(message, wire.Hello):
            self.hello = message
        elif isinstance(message, wire.Reported):
            self.last = message.report
            self.reports.append((at_s, message.report))
            self.timeline.take(message.report, at_s)
            self._news.set()

    def _tell(self) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(wire.Uplink(seen=self._uplink)) + b"\n")

    async def _beat_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        next_s = loop.time()
        while True:
            began_s = now_s()
            trouble = await self._beat()
            changes = {"failed_at_s": now_s(), "trouble": trouble} if trouble else {"ok_at_s": began_s, "trouble": ""}
            self._uplink = msgspec.structs.replace(self._uplink, at_s=now_s(), **changes)
            self._tell()
            self.beats += 1
            next_s = max(next_s + BEAT_S, loop.time() + 0.2)
            await asyncio.sleep(next_s - loop.time())

    async def _beat(self) -> str:
        """One exchange with HQ; the kind of trouble (`replication.trouble.Kind`), or nothing."""
        try:
            status = await self._exchange()
        except TimeoutError:
            return "timeout"
        except (OSError, EOFError):
            return "unreachable"
        except (IndexError, ValueError):
            return "garbage"
        if status == 200:
            return ""
        return STATUSES.get(status, "server_error" if status >= 500 else "redirected" if status < 400 else "garbage")

    async def _exchange(self) -> int:
        """Its status. The address is a cached one: a real agent's connection lives through trouble with names."""
        family = self.lab.shape.families[0]
        made = self.lab.socket(
            self.name, socket.AF_INET if family == V4 else socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP
        )
        loop = asyncio.get_running_loop()
        with contextlib.closing(made):
            async with asyncio.timeout(TIMEOUT_S):
                await loop.sock_connect(made, (HQ[family], HQ_PORT))
                await loop.sock_sendall(made, b"POST /v1/events HTTP/1.1\r\nHost: hq\r\nContent-Length: 2\r\n\r\n{}")
                data = await loop.sock_recv(made, 4096)
        if not data:
            raise EOFError
        return int(data.split(b" ")[1])

    # --- what a trial wants to know ---

    async def until(self, wanted: Callable[[Report], bool], deadline_s: float) -> Report | None:
        """The first report from now on, the last one included, that is wanted; None where none comes in time."""
        if self.last is not None and wanted(self.last):
            return self.last
        seen = self.last
        loop = asyncio.get_running_loop()
        till_s = loop.time() + deadline_s
        while (left_s := till_s - loop.time()) > 0:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left_s)
            fresh = []
            for _, report in reversed(self.reports):
                if report is seen:
                    break
                fresh.append(report)
            for report in reversed(fresh):
                if wanted(report):
                    return report
            seen = self.last
        return None

    async def wait_fine(self, deadline_s: float) -> bool:
        """It says "fine" and has found out what answers, all but what it never will. False at once where its process has
        ended."""
        settling = asyncio.create_task(self.until(_settled, deadline_s))
        ending = asyncio.create_task(self._process.wait()) if self._process is not None else settling
        await asyncio.wait({settling, ending}, return_when=asyncio.FIRST_COMPLETED)
        for task in {settling, ending}:
            if not task.done():
                task.cancel()
        await asyncio.wait({settling, ending})
        return not settling.cancelled() and settling.result() is not None

    def entry(self) -> Entry | None:
        return self.timeline.entries[-1] if self.timeline.entries else None


LEARNED = {"gateway", "printer", "display", "anycast", "resolver", "portal", "hq", "hop2"}


def _settled(report: Report) -> bool:
    """Fine, and each kind of target that can be asked has answered once."""
    works = {target.role for target in report.targets if target.works == "yes"}
    asked = {target.role for target in report.targets}
    return report.verdict.phase == "fine" and not (asked & LEARNED) - works
