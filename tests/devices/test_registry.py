"""From the config to drivers, and from a job to real bytes at a virtual printer."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.journal.world import opened
from tests.kitchen.world import NOW_MS, Pass, line
from tests.spool.world import config

from tillkeeper.clock import new_id, wall_ms
from tillkeeper.config.model import Config, Device, Station
from tillkeeper.contract.base import Event
from tillkeeper.contract.values import Personal
from tillkeeper.devices.registry import Registry, warm
from tillkeeper.errors import NotFound
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.kitchen.tickets import revise
from tillkeeper.spool.jobs import job_row
from tillkeeper.spool.model import Job, PulseData, ReceiptAmount, ReceiptData
from tillkeeper.spool.spool import Spool
from tillkeeper_drivers.api import BoardEvent, PrintDocument, PulseDocument, Text
from tillkeeper_drivers.simulator.printer import VirtualPrinter


def shop(grill_port: int, receipt_port: int) -> Config:
    devices = {
        "grill": Device(kind="escpos", address=f"127.0.0.1:{grill_port}", profile="tm-t88vi"),
        "receipt": Device(kind="escpos", address=f"127.0.0.1:{receipt_port}", profile="tm-t88vi", bell_pin=5),
        "drawer": Device(kind="drawer", printer="receipt", pin=2),
        "bell": Device(kind="drawer", printer="receipt", pin=5),
        "kitchen": Device(kind="display"),
        "wall": Device(kind="escpos_display", address="[::1]:9100"),
    }
    stations = {
        "grill": Station(title="Grill", devices=("grill",)),
        "cold": Station(title="Cold", devices=("kitchen",)),
    }
    return msgspec.structs.replace(config(), devices=devices, stations=stations)


def registry(settings: Config, texts: dict[str, str] | None = None, events: list[BoardEvent] | None = None) -> Registry:
    def personal(digests: Any) -> dict[str, str]:
        return {digest: text for digest, text in (texts or {}).items() if digest in digests}

    return Registry(settings, personal, (events if events is not None else []).append)


def test_a_drawer_is_the_work_of_its_printer() -> None:
    made = registry(shop(1, 2))
    assert set(made.worker_ids()) == {"grill", "receipt", "kitchen", "wall"}
    assert [made.worker_of(name) for name in ("grill", "drawer", "kitchen", "nothing")] == ["grill", "receipt", "kitchen", None]
    assert made.display("kitchen") is made.device("kitchen")
    with pytest.raises(NotFound, match="display grill"):
        made.display("grill")


def test_personal_texts_are_resolved_when_the_document_is_made_and_not_before() -> None:
    kitchen = Pass(line("a"), name=Personal("d1"), note=Personal("d2"))
    ((_event, job),) = kitchen.send()
    assert "Zoë" not in str(job)
    document = registry(shop(1, 2), {"d1": "Zoë"}).document(job)
    assert isinstance(document, PrintDocument)
    assert [block.text for block in document.blocks if isinstance(block, Text)][2] == "Zoë"


def test_a_pulse_takes_pin_and_time_of_its_drawer() -> None:
    job = Job(
        job_id="J1", device="drawer", document_class="drawer_pulse", data=PulseData("drawer", "tender"), created_at_ms=NOW_MS
    )
    assert registry(shop(1, 2)).document(job) == PulseDocument("J1", pin=2, on_ms=100)


class Screen:
    """A kitchen display in the other end of a socket: acknowledges every ticket, and bumps it."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.shown: list[dict[str, Any]] = []
        self.welcome = asyncio.Event()
        self.said.put_nowait(json.dumps({"type": "hello"}))

    async def send(self, text: str) -> None:
        frame = json.loads(text)
        self.welcome.set()
        if frame["type"] == "ticket":
            self.shown.append(frame)
            ticket = frame["ticket"]
            self.said.put_nowait(json.dumps({"type": "ack", "seq": frame["seq"], "job_id": frame["job_id"]}))
            self.said.put_nowait(json.dumps({"type": "bump", "check_id": ticket["check_id"], "station": ticket["station"]}))

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            yield await self.said.get()


def sale(settings: Config) -> list[Job]:
    kitchen = Pass(line("a", "Burger"), line("b", "Salad", station="cold"))
    tickets = revise(kitchen.check, settings, wall_ms(), new_id)
    receipt = ReceiptData(
        check_id="C1", ticket_code="B-037", order_type="dine_in", printed_at_ms=wall_ms(), terminal="front",
        server="", table="", lines=(), amounts=(ReceiptAmount("TOTAL", 2000, strong=True),),
    )  # fmt: skip
    return [
        *(job for _event, job in tickets),
        Job(
            job_id=new_id(), device="receipt", document_class="receipt", data=receipt, created_at_ms=wall_ms(), check_id="C1"
        ),
        *(
            Job(
                job_id=new_id(), device=drawer, document_class="drawer_pulse", data=PulseData(drawer, "tender"),
                created_at_ms=wall_ms(), check_id="C1",
            )
            for drawer in ("drawer", "bell")
        ),
    ]  # fmt: skip


def test_a_cash_sale_reaches_paper_drawer_and_display(tmp_path: Path) -> None:
    def stamp(event: Event) -> NewEvent:
        return NewEvent(event, "2025-10-09", wall_ms())

    async def scenario() -> None:
        await asyncio.to_thread(warm)
        seen: list[BoardEvent] = []
        settled = asyncio.Event()
        async with (
            VirtualPrinter("tm-t88vi", speed_mm_s=0, drawer_closes_s=None) as receipt,
            VirtualPrinter("tm-t88vi", speed_mm_s=0) as grill,
            opened(tmp_path / "journal.db") as journal,
        ):
            settings = shop(grill.port, receipt.port)
            devices = registry(settings, events=seen)
            spool = Spool(
                journal, settings, devices, stamp=stamp, now_ms=wall_ms, new_id=new_id, seed=1,
                on_change=lambda _device: settled.set() if not spool.jobs() else None,
            )  # fmt: skip
            screen = Screen()
            running = asyncio.create_task(spool.run())
            attached = asyncio.create_task(devices.display("kitchen").attach(screen))
            async with asyncio.timeout(10):
                await screen.welcome.wait()
                jobs = spool.prepare(sale(settings))
                await journal.append(Batch(jobs=tuple(map(job_row, jobs))))
                settled.clear()
                spool.submit(jobs)
                await settled.wait()
                await receipt.wait_drawer(open_=True, deadline_s=2)
            assert "1 x Burger" in (await grill.wait_printed(1, 5))[0].text
            assert "TOTAL" in (await receipt.wait_printed(1, 5))[0].text
            assert [frame["ticket"]["items"][0]["name"] for frame in screen.shown] == ["Salad"]
            stored = [journal.job(job.job_id) for job in jobs]
            assert [row.state for row in stored if row is not None] == [*["confirmed"] * 4, "failed"], "never at a bell's pin"
            assert ("bumped", "C1", "cold") in [(event.kind, event.check_id, event.station) for event in seen]
            for task in (running, attached):
                task.cancel()
            await asyncio.gather(running, attached, return_exceptions=True)
            await devices.close()

    asyncio.run(scenario())
