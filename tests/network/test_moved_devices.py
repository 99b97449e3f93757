"""The agent tells the prober where its devices are now: replaced ones, and ones that were followed to another address."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.lab.spaces import ip
from tests.network.small_store import NEIGHBOUR, REGISTER, ROUTER, Prober, config, small_store
from tests.network.virtual_wire import OWN, Wire, setup_of, targets
from tests.network.virtual_wire import ROUTER as GATEWAY
from tests.support.prober import StandIn

from tillkeeper import clock
from tillkeeper.config.network import Network
from tillkeeper.network.desk import DeskParts, NetworkDesk
from tillkeeper.network.model import DevicesSeen, Fact, Target
from tillkeeper.network.prober.devices import Devices, Filed, present, targets_of
from tillkeeper.network.wire import Devices as Told
from tillkeeper.network.wire import Hello, Reported
from tillkeeper.replication.link import LinkStatus
from tillkeeper.roles.mode import Uplink

FILED = {
    "grill": Filed(kind="escpos", address="192.168.1.40:9100"),
    "bar": Filed(kind="star", address="usb:serial=ABC123"),
    "pass": Filed(kind="epson_kds", address="kds.store.example:80"),
    "drawer": Filed(kind="drawer"),
}


def asked(said: dict[str, str]) -> dict[str, str]:
    return {target.name: target.address or target.host for target in targets_of(present(FILED, said))}


def test_a_device_of_the_file_is_asked_where_the_agent_says_that_it_is() -> None:
    assert asked({}) == {"printer:grill": "192.168.1.40", "display:pass": "kds.store.example"}
    assert asked({"grill": "192.168.1.77:9100", "bar": "[fd00::9]:9100"}) == {
        "printer:grill": "192.168.1.77", "printer:bar": "fd00::9", "display:pass": "kds.store.example",
    }  # fmt: skip
    assert asked({"grill": "usb:port=1-1.4", "pass": "192.168.1.9:80"}) == {"display:pass": "192.168.1.9"}


@pytest.mark.parametrize(
    "said",
    [
        {"stranger": "192.168.1.66:9100"},
        {"drawer": "192.168.1.66:9100"},
        {"grill": "other.example:9100"},
        {"grill": "192.168.1.66"},
        {"grill": "192.168.1.0/24:9100"},
        {"grill": "\x00:1"},
        {"grill": ""},
        {"pass": "x" * 100_000 + ":1"},
    ],
)  # fmt: skip
def test_what_the_agent_may_not_say_is_passed_over(said: dict[str, str]) -> None:
    assert asked(said) == asked({})


def test_many_changes_at_once_are_one_a_second_and_what_was_known_is_no_news() -> None:
    told: list[Fact] = []
    devices = Devices(FILED, told.append)
    devices.hear({})
    devices.tick(1.0)
    assert not told
    for number in range(200):
        devices.hear({"grill": f"192.168.1.{number}:9100"})
    devices.tick(2.0)
    devices.tick(3.0)
    (news,) = told
    assert isinstance(news, DevicesSeen)
    assert [target.address for target in news.targets if target.name == "printer:grill"] == ["192.168.1.199"]


def printer(address: str) -> Target:
    return Target(name="printer:0", role="printer", family="ipv4", address=address, ways=("echo", "arp"))


def told_of(wire: Wire, address: str, since: int) -> set[str]:
    return {probe.target.address for _, probe in wire.probes[since:] if probe.target.name == "printer:0"}


def test_the_new_address_is_asked_and_named_and_the_old_one_left_alone() -> None:
    wire = Wire(setup_of(targets=targets(printers=1))).start()
    wire.run(40.0)
    assert told_of(wire, "printer:0", 0) == {"192.168.1.50"}
    wire.tell(DevicesSeen(at_s=wire.now_s, targets=(printer("192.168.1.77"),)))
    since = len(wire.probes)
    wire.run(40.0)
    assert told_of(wire, "printer:0", since) == {"192.168.1.77"}
    assert not wire.signs("device_silent")
    wire.cut.add("192.168.1.77")
    wire.run(30.0)
    (sign,) = wire.signs("device_silent")
    assert (sign.subject, sign.detail) == ("0", "192.168.1.77")


@pytest.mark.parametrize("address", ["8.8.8.8", OWN, GATEWAY, "192.168.1.255", "192.168.2.7", "224.0.0.1", "127.0.0.1", "x"])
def test_only_hosts_of_the_own_network_are_asked_by_the_agent_s_word(address: str) -> None:
    wire = Wire(setup_of(targets=targets(printers=1))).start()
    wire.run(5.0)
    wire.tell(DevicesSeen(at_s=wire.now_s, targets=(printer(address),)))
    since = len(wire.probes)
    wire.run(40.0)
    assert not told_of(wire, "printer:0", since)
    assert wire.column("router") == "yes"


def test_every_new_prober_is_told_and_one_of_an_older_version_is_not(tmp_path: Path) -> None:
    where = {"grill": "192.0.2.10:9100"}

    def link() -> LinkStatus:
        """News at each look."""
        now_s = clock.boot_s()
        return LinkStatus(Uplink(configured=True, started_s=0.0, last_ok_s=now_s), 0, (), now_s, "", "", ())

    async def run() -> None:
        desk = NetworkDesk(
            DeskParts(
                network=Network(socket=str(tmp_path / "probe.sock")), register="front", folder=tmp_path, now_s=clock.boot_s,
                now_ms=clock.wall_ms, new_id=clock.new_id, link=link, beat_s=1.0, poke=lambda: None, changed=lambda: None,
                devices=lambda: where,
            )
        )  # fmt: skip
        task = asyncio.create_task(desk.run())
        try:
            async with StandIn(tmp_path / "probe.sock") as old:
                await old.hello()
                await old.hears(lambda _said: len(old.heard) >= 3)
                assert not any(isinstance(said, Told) for said in old.heard)
            for _ in range(2):
                async with StandIn(tmp_path / "probe.sock") as new:
                    await new.say(Hello(version="9", pid=os.getpid(), interface="eth0", raw=True, takes_devices=True))
                    await new.hears(lambda said: said == Told(addresses={"grill": "192.0.2.10:9100"}))
                    where["grill"] = "192.0.2.77:9100"
                    await new.hears(lambda said: said == Told(addresses={"grill": "192.0.2.77:9100"}))
                    before = len(new.heard)
                    await new.hears(lambda _said, before=before, new=new: len(new.heard) >= before + 3)  # type: ignore[misc]
                    assert len([said for said in new.heard if isinstance(said, Told)]) == 2, "what is no news is not said"
                    where["grill"] = "192.0.2.10:9100"
        finally:
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(run())


@pytest.mark.root
def test_the_prober_s_process_follows_its_agent_and_starts_again_from_the_file(tmp_path: Path) -> None:
    file = config(tmp_path, {"devices": {"grill": {"kind": "escpos", "address": "10.77.0.9:9100"}}})
    with small_store() as store:
        ip(store.space("nb"), "addr add 10.77.0.99/24 dev eth0")
        for _run in range(2):
            with listening(tmp_path / "probe.sock") as listener, Prober(store, file, "--uplink", "agent") as prober:
                client, _ = listener.accept()
                with client:
                    prober.wait(lambda seen: addresses(seen) == {"10.77.0.9"})
                    say(client, line(grill=f"{NEIGHBOUR}:9100", other="10.77.0.99:9100"))
                    prober.wait(lambda seen: addresses(seen) == {NEIGHBOUR})
                    for refused in (ROUTER, REGISTER, "198.51.100.1", "10.77.0.255"):
                        say(client, line(grill=f"{NEIGHBOUR}:9100"))
                        before = prober.count
                        prober.wait(lambda seen: addresses(seen) == {NEIGHBOUR}, since=before)
                        before = prober.count
                        say(client, line(grill=f"{refused}:9100"))
                        prober.wait(lambda seen: not addresses(seen), since=before)
                    say(client, line(grill="10.77.0.99:9100"))
                    prober.wait(lambda seen: addresses(seen) == {"10.77.0.99"} and works(seen))


def say(client: socket.socket, told: bytes) -> None:
    """As the agent does, which reads as well: a prober whose reports nobody takes hears nothing once they fill the socket."""
    with contextlib.suppress(BlockingIOError):
        while client.recv(65_536, socket.MSG_DONTWAIT):
            pass
    client.sendall(told)


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    path.unlink(missing_ok=True)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(10.0)
        yield listener


def line(**where: str) -> bytes:
    return msgspec.json.encode(Told(addresses=where)) + b"\n"


def addresses(seen: Reported) -> set[str]:
    """Of the printers that it asks."""
    return {target.address for target in seen.report.targets if target.role == "printer"}


def works(seen: Reported) -> bool:
    return any(target.works == "yes" for target in seen.report.targets if target.role == "printer")
