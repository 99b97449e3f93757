"""A register that boots by itself, with its own kernel, systemd and udev: printers at USB before and after, what the units may,
a stall, and the power cut in the middle of selling. The scenes are one day of one machine, in their order."""

import json
import random
import re

import pytest
from tests.bootvm.conftest import Play
from tests.bootvm.image import NUMBER, SECOND
from tests.bootvm.store import AGENT, CALM_S, DATA, PROBER, World, once_or_marked, slips_with

pytestmark = [pytest.mark.root, pytest.mark.timeout(1200, func_only=True)]
HALF = 120
"""Bytes of a ticket that came through when the cable is pulled."""
SALES = 12
"""So many are acknowledged before the power is cut, and a few more."""
DEVICES = ("/dev/vda", "/dev/input/event0", "/dev/mem", "/dev/kmsg", "/dev/uinput", "/dev/fuse")


def test_a_printer_that_was_there_before_the_kernel_prints_and_nobody_logs_in(play: Play) -> None:
    """The rig's POS orders as soon as it is answered. The kitchen's printer, of the same model, is not there yet."""

    async def scene(world: World) -> None:
        await world.receipt_usb.plug()
        await world.boot(words="rig.pos")
        (slip,) = await world.printed(world.receipts, 1)
        await world.register.wait_for("test -s /run/rig-pos", CALM_S)
        code = json.loads(await world.register.run("cat /run/rig-pos"))["answer"]["ticket_code"]
        assert code in slip.text
        receipt = await world.job("receipt", code, lambda job: job["state"] == "confirmed")
        assert receipt["evidence"] == "GS ( H"
        waiting = await world.job("grill", code, lambda job: job["state"] == "queued")
        assert (waiting["may_have_printed"], world.kitchen.count) == (False, 0)
        first, all_ = [await world.ended_s(unit) for unit in ("tillkeeper-printers.service", "systemd-udev-trigger.service")]
        assert 0 < first < all_, "udev looks at printers first"
        assert (await world.register.run("systemctl show -p User --value " + AGENT)).strip() == "tillkeeper"
        assert "Uid:\t0" not in await world.register.run(f"cat /proc/{await world.main_pid(AGENT)}/status")

    play(scene)


def test_one_that_is_plugged_in_later_prints_what_waited(play: Play) -> None:
    """Two of one model are told apart by their serial numbers; the node of the second is the second."""

    async def scene(world: World) -> None:
        (waiting,) = await world.jobs("grill")
        code = waiting["ticket_code"]
        await world.kitchen_usb.plug()
        (slip,) = await world.printed(world.kitchen, 1)
        assert code in slip.text
        assert "POSSIBLE DUPLICATE" not in slip.text
        assert (await world.job("grill", code, lambda job: job["state"] == "confirmed"))["evidence"] == "GS ( H"
        found = {one["address"]: one for one in (await world.gets("/v1/devices/found"))["found"]}
        assert [found[f"usb:serial={number}"]["devices"] for number in (NUMBER, SECOND)] == [["receipt"], ["grill"]]
        again = await world.sells("cheeseburger")
        await world.printed(world.kitchen, 2)
        await world.printed(world.receipts, 2)
        assert [len(slips_with(printer, again)) for printer in (world.kitchen, world.receipts)] == [1, 1]

    play(scene)


def test_pulled_in_the_middle_of_a_ticket_it_prints_again_marked(play: Play) -> None:
    async def scene(world: World) -> None:
        world.kitchen_usb.stick(HALF)
        code = await world.sells("cheeseburger", cash=False)
        await world.kitchen_usb.wait_stuck(CALM_S)
        await world.kitchen_usb.pull()
        waiting = await world.job("grill", code, lambda job: job["state"] == "queued")
        assert waiting["marks"] == ["POSSIBLE DUPLICATE"]
        await world.kitchen_usb.plug()
        await world.printed(world.kitchen, 3)
        assert "POSSIBLE DUPLICATE" in slips_with(world.kitchen, code)[-1]
        assert (await world.job("grill", code, lambda job: job["state"] == "confirmed"))["evidence"] == "GS ( H"

    play(scene)


def test_a_serial_adapter_is_no_modem_and_prints(play: Play) -> None:
    """ModemManager runs on this machine."""

    async def scene(world: World) -> None:
        await world.plug_serial()
        await world.register.wait_for("test -c /dev/ttyUSB0", CALM_S)
        await world.register.run("udevadm settle")
        said = await world.register.run("udevadm info -q property /dev/ttyUSB0")
        assert "ID_MM_DEVICE_IGNORE=1" in said.split()
        assert "ID_MM_PORT_IGNORE=1" in said.split()
        assert (await world.register.run("systemctl is-active ModemManager")).strip() == "active"
        code = await world.sells("cola")
        (slip,) = await world.printed(world.bar, 1)
        assert code in slip.text
        await world.job("bar", code, lambda job: job["state"] in ("sent", "confirmed"))
        assert "ttyUSB0" not in await world.register.run("journalctl -b -u ModemManager --no-pager", check=False)

    play(scene)


def test_the_agent_may_open_printers_and_nothing_else(play: Play) -> None:
    """Every node is made readable and writable for all first: it is the unit that refuses, and this kernel that enforces it."""

    async def scene(world: World) -> None:
        nodes = [node for node in DEVICES if await world.register.run(f"test -c {node} -o -b {node} && echo yes", check=False)]
        assert {"/dev/vda", "/dev/input/event0", "/dev/kmsg"} <= set(nodes)
        await world.register.run(f"chmod 666 {' '.join(nodes)}")
        assert await world.register.run("setpriv --reuid=nobody --clear-groups head -c 4 /dev/vda | wc -c") == "4\n"
        text, ended = await world.under(AGENT, "as_agent.py")
        assert ended == "success", text
        said = json.loads(text)
        assert {said["devices"][node] for node in nodes if node != "/dev/kmsg"} == {"EPERM"}, said
        assert said["devices"]["/dev/kmsg"] in ("EPERM", "EACCES"), "two settings of the unit hide it"
        assert said["null"] == "opened"
        assert set(said["printers"]) == {"/dev/usb/lp0", "/dev/usb/lp1"}
        assert set(said["printers"].values()) <= {"opened", "EBUSY"}, "usblp lets one in at a time"
        assert said["serial"]["/dev/ttyUSB0"] in ("opened", "EBUSY")
        assert "lo" in said["psutil"]
        assert len(said["psutil"]) > 1
        assert said["udev"] == ["/dev/usb/lp0", "/dev/usb/lp1"]
        assert said["libusb"] in (NUMBER, SECOND)
        assert said["uid"] != 0

    play(scene)


def test_the_prober_sends_packets_and_can_not_read_the_books(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.register.run(f"chmod -R a+rX {DATA}")
        text, ended = await world.under(PROBER, "as_prober.py")
        await world.register.run(f"chmod 0700 {DATA}")
        assert ended == "success", text
        said = json.loads(text)
        assert said["scapy"] == "sent and seen"
        assert "opened" not in (said["books"][f"{DATA}/journal.db"], *said["devices"].values()), said
        assert said["api"] != "connected"
        assert "lo" in said["psutil"]
        assert said["uid"] != 0

    play(scene)


def test_the_probers_memory_has_an_end(play: Play) -> None:
    """The agent's has none: it is the last that the kernel takes."""

    async def scene(world: World) -> None:
        most = (await world.register.run(f"systemctl show -p MemoryMax --value {PROBER}")).strip()
        assert most != "infinity"
        before = await world.main_pid(AGENT)
        # MemoryHigh would only slow it down, for minutes.
        text, ended = await world.under(PROBER, "eat.py", "MemoryHigh=infinity")
        assert ended in ("oom-kill", "signal"), text
        assert "rig-under.service" in await world.register.run(
            "journalctl -b -k -g 'oom-kill:constraint=CONSTRAINT_MEMCG' --no-pager"
        )
        assert int(text.split()[-1]) <= int(most) // (1 << 20)
        assert await world.main_pid(AGENT) == before, "the agent itself was not touched"

    play(scene)


def test_an_agent_that_stalls_is_started_again(play: Play) -> None:
    async def scene(world: World) -> None:
        stalled = await world.main_pid(AGENT)
        await world.register.run(f"kill -STOP {stalled}")

        async def another() -> bool:
            return await world.main_pid(AGENT) not in (0, stalled)

        await world.until(another, lambda: f"{AGENT} is still {stalled}")
        await world.serves()
        code = await world.sells("cheeseburger")
        await world.job("receipt", code, lambda job: job["state"] == "confirmed")
        assert "watchdog" in await world.register.run(f"journalctl -b -u {AGENT} --no-pager")

    play(scene)


def test_after_a_power_cut_every_acknowledged_sale_is_there_and_a_wrong_clock_sells(play: Play) -> None:
    """QEMU is killed while a POS sells as fast as it can; what reached the console was acknowledged. The clock's battery is
    dead too: the second boot begins in 1970."""

    async def scene(world: World) -> None:
        earlier = {one["ticket_code"] for one in (await world.gets("/v1/checks?limit=200"))["checks"]}
        program = "python3 -IS /usr/lib/rig/pos.py /run/tillkeeper/tillkeeper.sock"
        await world.register.start("sales", f"sh -c 'exec {program} >/dev/console'")
        await world.register.console_says("acknowledged ", SALES + random.Random().randrange(5), CALM_S)
        acknowledged = re.findall(r"^acknowledged \S+ (\S+)\r?\n", await world.cut(), re.MULTILINE)
        assert len(acknowledged) >= SALES
        await world.boot(rtc="1970-01-01")
        await world.serves()
        checks = {one["ticket_code"]: one for one in (await world.gets("/v1/checks?limit=200"))["checks"]}
        missing = [code for code in acknowledged if code not in checks or checks[code]["state"] != "closed"]
        assert not missing, f"acknowledged, and not in the books: {missing}"
        await world.nothing_waits("grill", "receipt")
        new = checks.keys() - earlier
        wrong = {code: slips_with(world.kitchen, code) for code in new if not once_or_marked(world.kitchen, code)}
        assert not wrong, "each ticket is in the kitchen, and a second one of it says so"
        doubled = {code: slips for code in checks if len(slips := slips_with(world.receipts, code)) > 1}
        assert not doubled, "a receipt is not repeated by itself"
        assert (await world.register.run(f"tillkeeper journal verify {DATA} >/dev/null && echo whole")).strip() == "whole"

    play(scene)


def test_a_clock_that_is_wrong_is_said_and_selling_goes_on(play: Play) -> None:
    async def scene(world: World) -> None:
        year = int(await world.register.run("date +%Y"))
        status = await world.gets("/v1/status")
        assert "clock_wrong" in {one["code"] for one in status["advisories"]}, (year, status["advisories"])
        code = await world.sells("cheeseburger")
        await world.job("receipt", code, lambda job: job["state"] == "confirmed")
        await world.job("grill", code, lambda job: job["state"] == "confirmed")

    play(scene)
