"""Budgets, asserted over minutes of every kind of outage."""

from collections.abc import Callable

import pytest
from tests.network.virtual_wire import OWN, ROUTER, START_S, Wire, setup_of, targets

from tillkeeper.network.budget import BURST_S, DAY_S, ArpBudget, ByteBudget, KernelArp
from tillkeeper.network.setup import WAN_BYTES_PER_DAY, WAN_BYTES_PER_DAY_METERED

OUTAGES: list[tuple[str, set[str]]] = [
    ("calm", set()), ("router", {"router"}), ("hung", {"layer3"}), ("lan", {"lan", "broadcast"}), ("isp", {"isp"}),
    ("internet", {"internet"}), ("printer", {"printer:0"}), ("peers", {"peer", "broadcast"}), ("dns", {"resolver"}),
]  # fmt: skip


def most_within(times: list[float], window_s: float) -> int:
    most, begin = 0, 0
    for end, at_s in enumerate(times):
        while times[begin] <= at_s - window_s:
            begin += 1
        most = max(most, end - begin + 1)
    return most


def outage(cut: set[str], **changes: object) -> Wire:
    wire = Wire(setup_of(**changes), peers=2).start()
    wire.run(10.0)
    wire.cut = cut
    wire.run(60.0)
    wire.cut = set()
    wire.run(10.0)
    wire.loss = {"lan": 0.2}
    wire.run(30.0)
    return wire


@pytest.mark.parametrize("cut", [cut for _, cut in OUTAGES], ids=[name for name, _ in OUTAGES])
def test_never_more_than_six_arp_a_second_and_two_to_a_printer(cut: set[str]) -> None:
    wire = outage(cut)
    arp = [at_s for at_s, probe in wire.probes if probe.way in ("arp", "nd")]
    assert arp
    assert most_within(arp, 1.0) <= 6
    for name in ("printer:0", "printer:1"):
        asked = [at_s for at_s, probe in wire.probes if probe.target.name == name]
        assert asked
        assert most_within(asked, 1.0) <= 3  # 2 a second, whatever the phase of the window: one may fall on its very edge
        assert len(asked) / (wire.now_s - START_S) <= 2.0


def test_an_address_that_somebody_else_has_and_another_mac_do_not_break_the_arp_budget() -> None:
    wire = Wire(setup_of(), peers=2).start()
    wire.run(5.0)
    wire.macs = {"192.168.1.10": ["02:00:00:00:00:99"], "192.168.1.1": ["02:00:00:00:00:01", "02:00:00:00:00:66"]}
    wire.cut = {"router:echo", "layer3"}
    for _ in range(60):
        wire.arp("192.168.1.1", "02:00:00:00:00:66")
        wire.arp("192.168.1.10", "02:00:00:00:00:99")
        wire.run(0.25)
    assert most_within([at_s for at_s, probe in wire.probes if probe.way == "arp"], 1.0) <= 6


@pytest.mark.parametrize("registers", [1, 2, 5, 12])
def test_a_printer_sees_two_questions_a_second_from_all_registers_together(registers: int) -> None:
    times: list[float] = []
    for position in range(registers):
        wire = Wire(setup_of(register=f"r{position}", registers=registers, position=position), peers=1).start()
        wire.run(20.0)
        wire.cut = {"router"}
        wire.run(20.0)
        times += [at_s for at_s, probe in wire.probes if probe.target.name == "printer:0" and at_s > START_S + 5]
    times.sort()
    assert len(times) / 35.0 <= 2.05
    assert most_within(times, 1.0) <= 4


@pytest.mark.parametrize("metered", [False, True])
@pytest.mark.parametrize("registers", [1, 8])
def test_a_store_stays_within_its_day_of_bytes(registers: int, metered: bool) -> None:
    """Minutes of calm, outage and loss, taken for a whole day, for one of the registers."""
    wire = Wire(setup_of(registers=registers, metered=metered), peers=2).start(resolvers=("9.9.9.9",))
    wire.run(120.0 if metered else 20.0)
    before, begun_s = wire.report.wan_bytes, wire.now_s
    wire.run(300.0)
    day = WAN_BYTES_PER_DAY_METERED if metered else WAN_BYTES_PER_DAY
    calm = (wire.report.wan_bytes - before) / (wire.now_s - begun_s) * 86_400
    assert calm * registers <= day
    wire.loss = {"isp": 0.2}
    wire.run(300.0)
    share = day / registers * (wire.now_s - START_S + BURST_S) / DAY_S
    assert wire.report.wan_bytes <= share * 1.05 + 10_000  # answers are counted as they come


def test_the_byte_budget_never_gives_more_than_the_day_within_24_hours() -> None:
    setup = setup_of()
    budget = ByteBudget(setup, 0.0)
    spent, now_s = 0, 0.0
    while now_s < 86_400.0:
        budget.refill(now_s)
        while budget.take(1_000, burst=True):
            spent += 1_000
        now_s += 60.0
    assert WAN_BYTES_PER_DAY * 0.9 < spent <= WAN_BYTES_PER_DAY


def test_a_part_of_the_bytes_is_kept_for_bursts() -> None:
    budget = ByteBudget(setup_of(), 0.0)
    while budget.take(1_000, burst=False):
        pass
    assert budget.take(1_000, burst=True)


def test_the_arp_budget_holds_in_every_window_and_keeps_a_reserve_for_what_is_urgent() -> None:
    budget = ArpBudget()
    now_s, sent = 0.0, []
    while now_s < 20.0:
        if budget.take(now_s):
            sent.append(now_s)
        now_s += 0.01
    assert most_within(sent, 1.0) <= 4
    assert budget.take(now_s, urgent=True)
    assert budget.total == len(sent) + 1


def test_echoes_that_make_the_kernel_ask_are_few_while_the_lan_is_dead() -> None:
    """The kernel itself asks about once a second for each neighbour that does not answer: with the own requests together
    that has to stay below 15 a second, at which switches shut a port."""
    wire = Wire(setup_of(targets=targets(printers=6)), peers=4).start()
    wire.run(15.0)
    wire.cut = {"lan", "broadcast"}
    wire.run(5.0)
    begun_s = wire.now_s
    wire.run(10.0)
    lan = [probe for at_s, probe in wire.probes if at_s >= begun_s and probe.way == "echo" and not probe.target.wan]
    for second in range(10):
        asked = {
            probe.target.address
            for at_s, probe in wire.probes
            if begun_s + second <= at_s < begun_s + second + 1 and probe.way == "echo" and not probe.target.wan
        }
        own = sum(1 for at_s, probe in wire.probes if begun_s + second <= at_s < begun_s + second + 1 and probe.way == "arp")
        assert len(asked) + own < 15
    assert lan


def test_twenty_printers_that_are_off_do_not_make_the_kernel_ask_for_all_of_them_at_once() -> None:
    """Each neighbour that does not answer costs one ARP request of the kernel a second, for three seconds after a packet."""
    for powered_first in (False, True):
        wire = Wire(setup_of(targets=targets(printers=20)), peers=1)
        wire.cut = set() if powered_first else {"printer"}
        wire.macs = {}
        wire.start()
        wire.run(40.0 if powered_first else 0.0)
        wire.cut = {"printer", *(f"printer:{index}" for index in range(20))}
        begun_s = wire.now_s
        wire.run(60.0)
        late = [(at_s, p) for at_s, p in wire.probes if at_s > begun_s + 4.0 and p.target.role == "printer" and p.way == "echo"]
        assert late
        worst = max(len({p.target.name for at_s, p in late if begin_s - 3.0 <= at_s <= begin_s}) for begin_s, _ in late)
        assert worst <= 5


def test_addresses_on_the_lan_that_do_not_answer_take_turns() -> None:
    budget = KernelArp()
    now_s, asked = 0.0, []
    while now_s < 60.0:
        asked += [address for address in map(str, range(12)) if budget.take(address, now_s)]
        now_s += 1.0
    assert budget.take("x", now_s + 10)
    assert len(set(asked)) >= 4


def address_goes(wire: Wire, *, back: bool) -> None:
    wire.address(*([OWN] if back else []))
    wire.route(**({"ipv4": ROUTER} if back else {}))


def carrier_goes(wire: Wire, *, back: bool) -> None:
    wire.plug("yes" if back else "no")


@pytest.mark.parametrize("goes", [address_goes, carrier_goes])
def test_neighbours_that_the_kernel_has_forgotten_are_asked_one_after_the_other(goes: Callable[..., None]) -> None:
    """It forgets all MACs with the last address and with the carrier. Each packet to one that it does not know costs one ARP
    request, so the echoes that begin anew must not go to all at once."""
    wire = Wire(setup_of(targets=targets(printers=8)), peers=2).start()
    wire.run(15.0)
    goes(wire, back=False)
    wire.run(3.0)
    back_s = wire.now_s
    goes(wire, back=True)
    wire.run(10.0)
    known: set[str] = set()
    frames = []
    for at_s, probe in wire.probes:
        if at_s >= back_s and probe.way in ("arp", "nd"):
            frames.append(at_s)
        elif at_s >= back_s and not probe.target.wan and probe.target.address not in known:
            known.add(probe.target.address)
            frames.append(at_s)
    assert most_within(frames, 1.0) <= 9  # six of its own, two neighbours, the router
    assert {f"192.168.1.{number}" for number in (1, 20, 21, *range(50, 58))} <= known
    assert wire.report.verdict.phase == "fine"


def test_who_answers_leaves_room_for_others() -> None:
    budget = KernelArp()
    assert [address for address in "abcd" if budget.take(address, 0.0)] == ["a", "b"]
    budget.answered("a")
    budget.answered("b")
    assert not budget.take("c", 0.5)
    assert [address for address in "cdef" if budget.take(address, 1.1)] == ["c", "d"]
    assert [address for address in "ef" if budget.take(address, 2.2)] == ["e", "f"]
    assert not budget.take("g", 3.3)  # four are silent
    budget.answered("c")
    assert budget.take("g", 3.4)
