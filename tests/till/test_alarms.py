"""Alarms with time to be seen: tickets that did not come out, drawers that stand open or stay shut, a disk that fills up, a
clock that is wrong."""

import asyncio
import shutil
from collections import namedtuple
from pathlib import Path

import msgspec
import pytest
from tests.spool.virtual import run_virtual
from tests.spool.world import World, config
from tests.till.world import BURGERS, config_in, running

from tillkeeper import clock
from tillkeeper.config.model import Station
from tillkeeper.contract.views import DeviceView, Tri
from tillkeeper.spool.model import Job, TicketData
from tillkeeper.spool.policy import Route
from tillkeeper.till.drawer_watch import DrawerWatch
from tillkeeper.till.late import came_out_at, late_tickets
from tillkeeper.till.status import STAMPS
from tillkeeper_drivers.api import STUCK, Delivery, PulseDocument, Status

ROUTE = Route(alarm_after_ms=30_000)
STATIONS = config()


def ticket(code: str, fired_s: float, **changes: object) -> Job:
    data = TicketData(
        check_id=code, ticket_code=code, revision=1, station="grill", order_type="dine_in", fired_at_ms=0, items=(),
    )  # fmt: skip
    at_ms = int(fired_s * 1000)
    base = Job(
        job_id=code, device="grill", document_class="kitchen_ticket", data=data, created_at_ms=at_ms, check_id=code,
        station="grill",
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def late(*jobs: Job, now_s: float, route: Route = ROUTE) -> list[tuple[str, int, str, float, str]]:
    devices = {"grill": DeviceView(device="grill", kind="escpos", trouble="the paper is out")}
    found = late_tickets(jobs, lambda _job: route, devices, STATIONS, int(now_s * 1000))
    return [(one.title, one.count, one.code, one.age_s, one.trouble) for one in found]


def test_a_ticket_is_late_from_its_stations_time_on_and_says_its_age() -> None:
    assert late(ticket("A", 0), now_s=29) == []
    assert late(ticket("A", 0), now_s=31) == [("Grill", 1, "A", 31.0, "the paper is out")]


def test_one_alarm_a_station_told_by_its_oldest_and_one_ticket_for_two_devices_counts_once() -> None:
    jobs = (ticket("B", 10), ticket("A", 0), ticket("A", 0, device="pass", job_id="A2"), ticket("C", 65))
    assert late(*jobs, now_s=70) == [("Grill", 2, "A", 70.0, "the paper is out")]


def of_two(*jobs: Job, out: dict[str, str]) -> list[tuple[int, str, str]]:
    """At a station with a printer and a screen. `out`: where tickets came out, by their code."""
    both = msgspec.structs.replace(STATIONS.stations["grill"], devices=("grill", "pass"))
    stations = msgspec.structs.replace(STATIONS, stations=dict(STATIONS.stations) | {"grill": both})
    found = late_tickets(jobs, lambda _job: ROUTE, {}, stations, 70_000, lambda job: out.get(job.check_id, ""))
    return [(one.count, one.code, one.out_at) for one in found]


def test_what_only_the_screen_lacks_is_told_as_that_unless_something_came_out_nowhere() -> None:
    jobs = ticket("A", 0, device="pass"), ticket("B", 10, device="pass")
    assert of_two(*jobs, out={"A": "grill", "B": "grill"}) == [(2, "A", "grill")]
    assert of_two(*jobs, out={"A": "grill"}) == [(1, "B", "")]
    assert of_two(*jobs, out={}) == [(2, "A", "")]


def test_a_ticket_came_out_where_its_own_revision_was_confirmed() -> None:
    lacking = ticket("A", 0, device="pass")
    printed = ticket("A", 0, job_id="A1", state="confirmed")
    assert came_out_at(lacking, (lacking, printed)) == "grill"
    earlier = msgspec.structs.replace(printed, data=msgspec.structs.replace(printed.data, revision=0))  # type: ignore[type-var]
    elsewhere = ticket("A", 0, state="confirmed", station="bar")
    for other in (ticket("A", 0, state="sent"), ticket("A", 0, state="failed"), earlier, elsewhere):
        assert came_out_at(lacking, (lacking, other)) == ""


@pytest.mark.parametrize("state", ["sent", "confirmed", "held", "unconfirmed", "rerouted"])
def test_what_went_out_or_waits_for_a_person_raises_none(state: str) -> None:
    assert late(ticket("A", 0, state=state), now_s=99) == []


def test_receipts_practice_a_station_that_wants_none_and_a_clock_that_was_set_back_raise_none() -> None:
    practice = msgspec.structs.replace(ticket("A", 0).data, training=True)  # type: ignore[type-var]
    assert late(ticket("A", 0, document_class="receipt"), now_s=99) == []
    assert late(ticket("A", 0, data=practice), now_s=99) == []
    assert late(ticket("A", 0), now_s=99, route=Route()) == []
    assert late(ticket("A", 500), now_s=99) == []


def test_the_time_of_a_released_ticket_counts_from_its_release() -> None:
    assert late(ticket("A", 0, released_at_ms=3_600_000), now_s=3_610) == []


def test_a_printer_that_can_not_confirm_raises_no_alarm() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["grill"].script = ["sent"]
        async with world.living():
            await world.accept(world.job("T-1"))
            await world.until_done()
            await asyncio.sleep(120)
            found = late_tickets(world.spool.jobs(), world.spool.route, {}, world.config, world.now_ms())
            assert found == ()

    run_virtual(scenario())


def test_the_alarm_of_a_real_register_and_its_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        base = config_in(tmp_path)
        quick = {name: msgspec.structs.replace(one, alarm_after_s=0.3) for name, one in base.stations.items()}
        async with running(msgspec.structs.replace(base, stations=quick)) as till:
            await till.post("/orders", {"order_type": "dine_in", "lines": [BURGERS], "tenders": [{"tender": "cash"}]})
            raised: list[str] = []
            async with asyncio.timeout(10):
                while not raised:
                    status = await till.get("/status")
                    raised = [one["text"] for one in status["advisories"] if one["code"] == "tickets_late"]
            assert "1 ticket has not come out" in raised[0]

    asyncio.run(scenario())


# --- drawers ---


def test_a_drawer_that_stands_open_is_told_after_its_time_and_no_longer_once_it_is_shut() -> None:
    now, level = [0.0], ["no"]
    watch = DrawerWatch(STATIONS, lambda _drawer: level[0], lambda: now[0])  # type: ignore[arg-type, return-value]

    def looked(at_s: float, sensor: Tri) -> list[tuple[str, float]]:
        now[0], level[0] = at_s, sensor
        watch.look()
        return [(one.drawer, one.age_s) for one in watch.too_long()]

    assert looked(10, "yes") == []
    assert looked(69, "yes") == []
    assert looked(71, "yes") == [("drawer", 61.0)]
    assert looked(72, "no") == []
    assert looked(73, "yes") == []
    assert looked(200, "unknown") == [], "what its sensor does not say is not said"


def test_a_drawer_that_may_stand_open_is_never_told() -> None:
    drawer = msgspec.structs.replace(STATIONS.devices["drawer"], left_open_s=0)
    watch = DrawerWatch(
        msgspec.structs.replace(STATIONS, devices={"drawer": drawer}), lambda _drawer: "yes", lambda: clock.boot_s() + 1e6
    )
    watch.look()
    assert watch.too_long() == ()


def test_a_stuck_drawer_is_told_until_it_opens() -> None:
    async def scenario() -> None:
        world = World()
        receipt = world.printers["receipt"]
        shut = Status(reachable="yes", online="yes", cover_open="no", paper_out="no", drawer_pin_high="no")
        receipt.condition = shut
        answers = [Delivery("sent", STUCK), Delivery("confirmed", "drawer pin"), Delivery("sent", STUCK)]

        async def deliver(document: object, token: bytes) -> Delivery:
            assert isinstance(document, PulseDocument)
            return answers.pop(0)

        receipt.deliver = deliver  # type: ignore[method-assign, assignment]

        def stuck() -> tuple[str, ...]:
            return next(one.drawers_stuck for one in world.spool.snapshot() if one.device == "receipt")

        async with world.living():
            for expected in (("drawer",), (), ("drawer",)):
                await world.accept(world.job("p", "drawer", "drawer_pulse"))
                await world.until_done(10)
                assert stuck() == expected
            await asyncio.sleep(20)
            assert stuck() == ("drawer",)
            receipt.condition = msgspec.structs.replace(shut, drawer_pin_high="yes")
            await asyncio.sleep(20)
            assert stuck() == (), "somebody had the key"

    run_virtual(scenario())


def test_each_kick_is_journaled_with_its_reason_and_the_person(tmp_path: Path) -> None:
    async def scenario() -> None:
        from tillkeeper.contract.documents import DrawerKicked, NoSaleRecorded
        from tillkeeper.contract.events import decode_body
        from tillkeeper.journal.journal import Journal

        async with running(config_in(tmp_path)) as till:
            order = {"order_type": "dine_in", "lines": [BURGERS], "tenders": [{"tender": "cash"}], "by": "Ann"}
            await till.post("/orders", order)
            await till.post("/no-sales", {"drawer": "drawer", "reason": "change for the bar", "by": "Bob"})
        found = []
        file, store = tmp_path / "data" / "journal.db", config_in(tmp_path).store.id
        async with await Journal.open(file, store, "front", wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id="") as kept:
            events = [decode_body(one.type, one.body.encode()) for one in kept.events(kept.logs()[0].incarnation, 0, 1000)]
        for event in events:
            if isinstance(event, DrawerKicked):
                found.append((event.cause, event.by))
            elif isinstance(event, NoSaleRecorded):
                found.append((event.reason, event.by))
        assert sorted(found) == [("change for the bar", "Bob"), ("no_sale", "Bob"), ("tender", "Ann")]

    asyncio.run(scenario())


# --- what the status learns of the disk and of the journal ---


def test_a_disk_that_fills_up_is_told_before_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")

    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            assert "disk_low" not in [one["code"] for one in (await till.get("/status"))["advisories"]]
            monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**12, 10**12 - 10**8, 10**8))
            texts = [one["text"] for one in (await till.get("/status"))["advisories"] if one["code"] == "disk_low"]
            assert len(texts) == 1
            assert texts[0].startswith("95 MiB are left")

    asyncio.run(scenario())


def test_a_clock_that_was_set_back_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            await till.post("/checks", {"order_type": "dine_in"})
            assert "clock_wrong" not in [one["code"] for one in (await till.get("/status"))["advisories"]]
            real = clock.wall_ms
            monkeypatch.setattr(clock, "wall_ms", lambda: real() - 3 * 3_600_000)
            texts = [one["text"] for one in (await till.get("/status"))["advisories"] if one["code"] == "clock_wrong"]
            assert len(texts) == 1
            assert "3 h behind the newest sale" in texts[0] or "2 h behind the newest sale" in texts[0]

    asyncio.run(scenario())


def test_a_clock_whose_battery_died_is_told_however_much_is_sold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd lets a clock of 1970 begin on the day that systemd was built: years behind, and no time that can not be."""

    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            await till.post("/checks", {"order_type": "dine_in"})
        real = clock.wall_ms
        monkeypatch.setattr(clock, "wall_ms", lambda: real() - 90 * 24 * 3_600_000)
        async with running(config_in(tmp_path)) as till:
            for _ in range(STAMPS + 1):
                await till.post("/checks", {"order_type": "dine_in"})
            assert "clock_wrong" in [one["code"] for one in (await till.get("/status"))["advisories"]]

    asyncio.run(scenario())


def test_a_station_may_have_its_own_time() -> None:
    own = config(grill=Station(title="Grill", devices=("grill",), alarm_after_s=5))
    assert own.stations["grill"].alarm_after_s == 5
