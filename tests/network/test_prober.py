"""The prober as a process of its own, in a small store of real namespaces."""

import contextlib
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.lab.spaces import arp_answers, inside, ip, settings
from tests.network.flood import KINDS
from tests.network.small_store import (
    ANYCAST,
    ANYCAST_6,
    HQ_NAME,
    NEIGHBOUR,
    REGISTER,
    ROUTER,
    ROUTER_MAC,
    Prober,
    Server,
    Store,
    config,
    small_store,
)

from tillkeeper.network.engine import LONG_STALL_S
from tillkeeper.network.model import (
    AddressesSeen,
    ColumnName,
    Fact,
    LinkSeen,
    NeighbourSeen,
    Probe,
    Replied,
    RoutesSeen,
    Stalled,
    Step,
    Target,
    TargetState,
    UplinkSeen,
)
from tillkeeper.network.prober import clock, echo, loop, setup
from tillkeeper.network.prober.poller import Poller
from tillkeeper.network.prober.senders import Senders
from tillkeeper.network.prober.watch import Watch
from tillkeeper.network.wire import FromProber, Hello, Reported, Uplink

pytestmark = pytest.mark.root
NO_CAPABILITY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")


@pytest.fixture
def store() -> Iterator[Store]:
    with small_store() as made:
        yield made


@pytest.fixture
def server(store: Store) -> Iterator[Server]:
    with Server(store) as made:
        yield made


def target(seen: Reported, name: str, way: str) -> TargetState:
    return next(found for found in seen.report.targets if (found.name, found.way) == (name, way))


def test_it_finds_the_router_and_says_that_all_is_well(store: Store, server: Server, tmp_path: Path) -> None:
    with Prober(store, config(tmp_path)) as prober:
        assert (prober.hello.raw, prober.hello.interface, prober.hello.trouble) == (True, "eth0", "")
        prober.wait(lambda seen: bool(seen.report.targets) and target(seen, "gateway", "arp").mac == ROUTER_MAC)
        prober.phase("fine")
        all_of: tuple[ColumnName, ...] = ("router", "anycast", "resolver", "portal")
        prober.wait(lambda seen: all(seen.report.evidence.columns[name].state == "yes" for name in all_of))
        assert not [seen for seen in prober.reports if seen.report.verdict.phase == "confirmed"]
        prober.process.terminate()
        assert prober.process.wait(10) == 0


def test_a_pulled_cable_is_named_and_its_return_seen(store: Store, server: Server, tmp_path: Path) -> None:
    with Prober(store, config(tmp_path)) as prober:
        prober.phase("fine")
        before = prober.count
        ip(store.space("sw"), "link set reg down")
        named = prober.phase("confirmed", since=before)
        assert set(named.report.verdict.faults) == {"cable", "switch_power"}
        assert named.report.evidence.columns["carrier"].state == "no"
        before = prober.count
        ip(store.space("sw"), "link set reg up")
        prober.phase("fine", since=before)


def test_a_dead_router_is_told_from_a_dead_line(store: Store, server: Server, tmp_path: Path) -> None:
    with Prober(store, config(tmp_path, {"devices": {"grill": {"kind": "escpos", "address": f"{NEIGHBOUR}:9100"}}})) as prober:
        prober.phase("fine")
        prober.wait(lambda seen: seen.report.evidence.columns["neighbours"].state == "yes")
        before = prober.count
        ip(store.space("rt"), "link set eth0 down")
        assert "router_dead" in prober.phase("confirmed", since=before).report.verdict.faults


def test_an_interface_that_comes_later_or_is_renamed(store: Store, server: Server, tmp_path: Path) -> None:
    with Prober(store, config(tmp_path, {"network": {"interface": "till0"}})) as prober:
        prober.phase("confirmed", "interface_missing")
        before = prober.count
        ip(store.space("reg"), "link set eth0 down", "link set eth0 name till0", "link set till0 up")
        ip(store.space("reg"), f"route add default via {ROUTER}")
        seen = prober.phase("fine", since=before)
        assert seen.report.evidence.interface == "till0"
        before = prober.count
        ip(store.space("sw"), "link del reg")
        assert "interface_missing" in prober.phase("confirmed", since=before).report.verdict.faults
        before = prober.count
        ip(
            store.space("sw"), f"link add reg type veth peer name till0 netns {store.space('reg')}", "link set reg master br0",
            "link set reg up",
        )  # fmt: skip
        ip(store.space("reg"), "link set till0 up", "addr add 10.77.0.2/24 dev till0", f"route add default via {ROUTER}")
        prober.phase("fine", since=before)


def test_changed_resolvers_are_asked(store: Store, server: Server, tmp_path: Path) -> None:
    with Prober(store, config(tmp_path, {"hq": {"url": f"http://{HQ_NAME}"}})) as prober:
        prober.wait(lambda seen: seen.report.evidence.columns["hq"].state == "yes")
        assert prober.wait(lambda seen: any(found.name == f"resolver:{ROUTER}" for found in seen.report.targets))
        before = prober.count
        store.resolvers(ANYCAST[0])
        prober.wait(lambda seen: any(found.name == f"resolver:{ANYCAST[0]}" for found in seen.report.targets), since=before)
        assert f"resolver:{ROUTER}" not in {found.name for found in prober.reports[-1].report.targets}


def test_a_lost_address_is_seen_though_the_kernel_lost_its_messages(store: Store, server: Server, tmp_path: Path) -> None:
    with Prober(store, config(tmp_path)) as prober:
        prober.phase("fine")
        prober.process.send_signal(signal.SIGSTOP)
        addresses = [f"10.78.{high}.{low}/32" for high in range(8) for low in range(1, 251)]
        for what in ("add", "del"):
            ip(store.space("reg"), *(f"addr {what} {address} dev eth0" for address in addresses))
        ip(store.space("reg"), "addr del 10.77.0.2/24 dev eth0")
        before = prober.count
        prober.process.send_signal(signal.SIGCONT)
        seen = prober.phase("confirmed", since=before)
        assert seen.report.evidence.columns["address"].state == "no"
        assert any(event["event"] == "netlink_overrun" for event in prober.events()), "nothing was lost: the test is too gentle"


def test_a_pause_of_the_process_gives_no_verdict(store: Store, server: Server, tmp_path: Path) -> None:
    with Prober(store, config(tmp_path)) as prober:
        prober.phase("fine")
        prober.wait(lambda seen: seen.report.evidence.columns["anycast"].state == "yes")
        before = prober.count
        for _ in range(2):
            prober.process.send_signal(signal.SIGSTOP)
            time.sleep(1.5)  # the pause itself
            prober.process.send_signal(signal.SIGCONT)
            seen = prober.phase("fine", since=prober.count)
        assert seen.report.stalls >= 2
        assert {found.report.verdict.phase for found in prober.reports[before - 1 :]} <= {"checking", "fine"}


def test_without_the_capability_it_says_so_and_does_what_it_can(store: Store, server: Server, tmp_path: Path) -> None:
    with Prober(store, config(tmp_path, {"hq": {"url": f"http://{HQ_NAME}"}}), prefix=NO_CAPABILITY) as prober:
        assert not prober.hello.raw
        assert "CAP_NET_RAW" in prober.hello.trouble
        seen = prober.wait(lambda seen: seen.report.evidence.columns["hq"].state == "yes")
        assert seen.report.evidence.columns["carrier"].state == "yes"
        prober.wait(lambda seen: seen.report.evidence.columns["resolver"].state == "yes")
        before = prober.count
        ip(store.space("sw"), "link set reg down")
        prober.phase("confirmed", "cable", since=before)
        assert {found.report.verdict.phase for found in prober.reports[: before - 2]} <= {"checking", "fine"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_flood_costs_little_and_changes_nothing(store: Store, server: Server, tmp_path: Path, kind: str) -> None:
    (tmp_path / "key").write_text("5a" * 32)
    with Prober(store, config(tmp_path, {"network": {"key_file": "key"}})) as prober:
        prober.phase("fine")
        prober.wait(lambda seen: seen.report.evidence.columns["anycast"].state == "yes")
        before = prober.count
        flood = subprocess.Popen(
            ["ip", "netns", "exec", store.space("nb"), sys.executable, "-m", "tests.network.flood", kind],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        with flood:
            cpu_s, began_s = prober.cpu_s(), time.monotonic()
            prober.wait(lambda seen: seen.report.at_s > prober.reports[before - 2].report.at_s + 4.0)
            share = (prober.cpu_s() - cpu_s) / (time.monotonic() - began_s)
            sent = int(flood.communicate(timeout=20)[0])
        assert sent > 20_000, "no flood"
        assert share < 0.25, f"{share:.0%} of a core under {sent} frames"
        last = prober.phase("fine", since=prober.count)
        assert last.report.verdict.faults == ()
        wrong = [seen.report.verdict for seen in prober.reports if seen.report.verdict.phase == "confirmed"]
        assert not wrong or all(set(verdict.faults) == {"broadcast_loop"} for verdict in wrong), wrong


@pytest.mark.parametrize("families", [["ipv4"], ["ipv6"], ["ipv4", "ipv6"]])
def test_registers_hear_each_other(store: Store, server: Server, tmp_path: Path, families: list[str]) -> None:
    if families == ["ipv6"]:
        for host, number in (("reg", 2), ("nb", 3)):
            ip(store.space(host), "addr flush dev eth0 scope global", f"addr add fd77::{number}/64 dev eth0 nodad")
    folders = []
    for name in ("front", "bar"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "key").write_text("5a" * 32)
        registers = {"front": {"letter": "A"}, "bar": {"letter": "B"}}
        network = {"key_file": "key", "families": families}
        changes = {"this_register": name, "registers": registers, "network": network}
        folders.append(config(folder, changes))
    with Prober(store, folders[0]) as front, Prober(store, folders[1], host="nb"):
        seen = front.wait(lambda seen: bool(seen.report.evidence.peers))
        assert [peer.register for peer in seen.report.evidence.peers] == ["bar"]
        assert seen.report.evidence.peers[0].address in ("", NEIGHBOUR, "fd77::3")
        front.wait(lambda seen: any(found.name == "peer:bar" and found.works == "yes" for found in seen.report.targets))
        if "ipv4" in families:
            front.wait(lambda seen: seen.report.evidence.columns["broadcast"].state == "yes")


def test_without_its_key_it_watches_alone_and_takes_the_key_up_when_it_is_there(
    store: Store, server: Server, tmp_path: Path
) -> None:
    folders = []
    for name in ("front", "bar"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "key").write_bytes(b"5a" * 32 if name == "bar" else bytes(65))
        registers = {"front": {"letter": "A"}, "bar": {"letter": "B"}}
        folders.append(config(folder, {"this_register": name, "registers": registers, "network": {"key_file": "key"}}))
    with Prober(store, folders[0]) as front, Prober(store, folders[1], host="nb"):
        assert front.hello.unkeyed == f"the first line of {tmp_path}/front/key is no key of 64 hexadecimal digits"
        assert "beacon_key_missing" in front.said()
        front.wait(lambda seen: seen.report.evidence.columns["router"].state == "yes")
        (tmp_path / "front" / "new").write_text("5a" * 32)
        (tmp_path / "front" / "new").rename(tmp_path / "front" / "key")
        seen = front.wait(lambda seen: bool(seen.report.evidence.peers))
        assert [peer.register for peer in seen.report.evidence.peers] == ["bar"]
        assert "beacon_key_read" in front.said()


def test_the_agent_hears_at_once_that_a_key_is_there(store: Store, tmp_path: Path) -> None:
    file = config(tmp_path, {"network": {"key_file": "key"}})
    decoder = msgspec.json.Decoder(FromProber)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        listener.bind(str(tmp_path / "probe.sock"))
        listener.listen()
        listener.settimeout(60.0)
        with Prober(store, file, "--uplink", "agent"):
            said = []
            for _ in range(2):
                client, _address = listener.accept()
                with client, client.makefile("rb") as lines:
                    client.settimeout(60.0)
                    hello = decoder.decode(lines.readline())
                    assert isinstance(hello, Hello)
                    said.append(hello.unkeyed)
                    (tmp_path / "new").write_text("5a" * 32)
                    (tmp_path / "new").rename(tmp_path / "key")
                    while len(said) < 2 and lines.readline():
                        pass
            assert said == [f"{tmp_path}/key can not be read: No such file or directory", ""]


def test_an_agent_that_comes_later_and_restarts(store: Store, server: Server, tmp_path: Path) -> None:
    decoder = msgspec.json.Decoder(FromProber)
    file = config(tmp_path, {"hq": {"url": f"http://{ANYCAST[0]}:81"}})
    with Prober(store, file, "--uplink", "agent") as prober:
        prober.wait(lambda seen: seen.report.evidence.columns["router"].state == "yes")
        for run in range(2):
            with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
                (tmp_path / "probe.sock").unlink(missing_ok=True)
                listener.bind(str(tmp_path / "probe.sock"))
                listener.listen()
                listener.settimeout(10.0)
                client, _ = listener.accept()
                with client, client.makefile("rb") as lines:
                    client.settimeout(10.0)
                    assert isinstance(decoder.decode(lines.readline()), Hello)
                    assert isinstance(decoder.decode(lines.readline()), Reported)
                    now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
                    up = UplinkSeen(at_s=now_s, ok_at_s=now_s - 0.1, failed_at_s=None)
                    client.sendall(msgspec.json.encode(Uplink(seen=up)) + b"\n")
                    while True:
                        seen = decoder.decode(lines.readline())
                        assert isinstance(seen, Reported), run
                        if seen.report.evidence.columns["hq"].state == "yes":
                            break


@pytest.mark.parametrize(
    ("changes", "word"), [({"this_register": "x"}, "this_register"), ({"network": {"portal_url": "x"}}, "network.portal_url")]
)
def test_a_wrong_file_is_refused_in_words(tmp_path: Path, changes: dict[str, object], word: str) -> None:
    command = [sys.executable, "-m", "tillkeeper", "probe", "--config", str(config(tmp_path, changes))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_address_claimant_is_heard(store: Store, server: Server, tmp_path: Path) -> None:
    with Prober(store, config(tmp_path)) as prober:
        prober.phase("fine")
        before = prober.count
        ip(store.space("nb"), "addr add 10.77.0.2/32 dev eth0")
        assert "duplicate_address" in prober.phase("confirmed", since=before).report.verdict.faults


def test_a_store_without_ipv4_works_over_link_local_routes(store: Store, server: Server, tmp_path: Path) -> None:
    network = {"families": ["ipv6"], "anycast": [ANYCAST_6], "portal_url": ""}
    ip(store.space("reg"), "addr flush dev eth0 scope global", "addr add fd77::2/64 dev eth0 nodad")
    with Prober(store, config(tmp_path, {"network": network})) as prober:
        prober.phase("fine")
        prober.wait(lambda seen: bool(seen.report.targets) and target(seen, "gateway6", "nd").mac == ROUTER_MAC)
        prober.wait(lambda seen: seen.report.evidence.columns["anycast"].state == "yes")
        assert target(prober.reports[-1], "gateway6", "echo").works == "yes"


def test_two_ports_on_one_switch_are_no_duplicate(store: Store, server: Server, tmp_path: Path) -> None:
    """Linux answers for an address on every port of the machine."""
    reg, switch = store.space("reg"), store.space("sw")
    ip(switch, f"link add second type veth peer name eth1 netns {reg}", "link set second master br0", "link set second up")
    ip(reg, "link set eth1 address 02:00:77:00:01:02", "link set eth1 up")
    settings(reg, {"ipv4/conf/all/arp_ignore": 0})
    with Prober(store, config(tmp_path)) as prober:
        prober.phase("fine")
        prober.wait(lambda seen: bool(seen.report.targets) and target(seen, f"self:{REGISTER}", "arp").sent >= 8)
        assert {seen.report.verdict.phase for seen in prober.reports} <= {"checking", "fine"}
        assert arp_answers(store.space("nb"), REGISTER, count=2), "nobody would have answered: the test is empty"


class Quiet:
    """In the place of an engine: asks nothing, keeps what it is told."""

    def __init__(self, now_s: float) -> None:
        self.now_s, self.facts = now_s, list[Fact]()
        self.stop: Callable[[], None] | None = None

    def take(self, fact: Fact) -> None:
        self.facts.append(fact)
        if isinstance(fact, Stalled) and self.stop is not None:
            self.stop()

    def next_at_s(self) -> float:
        return self.now_s + 0.02

    def step(self, now_s: float) -> Step:
        self.now_s = now_s
        return Step()


def test_a_suspend_is_told(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engines = list[Quiet]()

    def make(_setup: object, now_s: float) -> Quiet:
        engines.append(Quiet(now_s))
        return engines[-1]

    begun_s = time.monotonic()
    slept = clock.slept_s
    monkeypatch.setattr(clock, "slept_s", lambda: slept() + (7.0 if time.monotonic() > begun_s + 0.3 else 0.0))
    with inside(store.space("reg")):
        prober = loop.Prober(setup.read(config(tmp_path), uplink=False), make, version="test", agent=False)
        engines[0].stop = prober.stop
        prober.run()
    last = engines[0].facts[-1]
    assert isinstance(last, Stalled)
    assert last.suspended
    assert any(isinstance(fact, RoutesSeen) and fact.gateways["ipv4"] == ROUTER for fact in engines[0].facts)


def test_an_answer_that_waited_is_read_before_its_question_is_forgotten(store: Store, tmp_path: Path) -> None:
    told = list[Fact]()
    gateway = Target(name="gateway", role="gateway", family="ipv4", address=ROUTER, ways=("echo",))
    with contextlib.ExitStack() as stack, inside(store.space("reg")):
        beside = stack.enter_context(echo.open_raw("ipv4"))
        poller = stack.enter_context(contextlib.closing(Poller()))
        watch = stack.enter_context(contextlib.closing(Watch(poller, told.append, lambda *_: None, pinned="eth0")))
        plan = setup.read(config(tmp_path), uplink=False)
        senders = stack.enter_context(contextlib.closing(Senders(plan, poller, told.append, watch, lambda _: None)))
        senders.ask(Probe(number=7, target=gateway, way="echo", timeout_ms=80), clock.boot_s())
        assert select.select([beside], [], [], 10.0)[0]
        senders.tick(clock.boot_s() + LONG_STALL_S)
        senders.drain()
    assert [fact.number for fact in told if isinstance(fact, Replied)] == [7]


@contextlib.contextmanager
def sysfs(folder: Path) -> Iterator[Path]:
    """As `ip netns exec` has it: that of the namespace of this thread."""
    subprocess.run(["mount", "-t", "sysfs", "none", str(folder)], check=True, timeout=10)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=10)


def test_a_lost_carrier_is_seen_though_the_kernel_says_nothing(store: Store, tmp_path: Path) -> None:
    """It holds its messages back for up to a second where other interfaces changed just before."""
    told = list[Fact]()
    with inside(store.space("reg")), contextlib.closing(Poller()) as poller, sysfs(tmp_path) as mounted:
        watch = Watch(poller, told.append, lambda *_: None, sysfs=mounted)
        with contextlib.closing(watch):
            watch.resync(1.0)
            watch.look(1.0)
            for state, carrier in (("down", "no"), ("up", "yes")):
                told.clear()
                ip(store.space("sw"), f"link set reg {state}")
                watch.look(2.0)
                assert [fact.carrier for fact in told if isinstance(fact, LinkSeen)] == [carrier]


def test_the_carrier_of_another_namespace_s_interface_is_none_of_ours(store: Store, tmp_path: Path) -> None:
    """Its name may be the same."""
    told = list[Fact]()
    with sysfs(tmp_path) as mounted, inside(store.space("reg")), contextlib.closing(Poller()) as poller:
        watch = Watch(poller, told.append, lambda *_: None, sysfs=mounted)
        with contextlib.closing(watch):
            watch.resync(1.0)
            told.clear()
            ip(store.space("sw"), "link set reg down")
            watch.look(2.0)
            assert not told
            ip(store.space("sw"), "link set reg up")


class Greedy(Quiet):
    """Always wants to step at once; has had enough after 40."""

    steps = 0

    def next_at_s(self) -> float:
        return 0.0

    def step(self, now_s: float) -> Step:
        self.steps += 1
        if self.steps == 40 and self.stop is not None:
            self.stop()
        return Step()


def test_an_engine_that_always_wants_to_step_does_not_take_the_cpu(store: Store, tmp_path: Path) -> None:
    engines = list[Greedy]()

    def make(_setup: object, now_s: float) -> Greedy:
        engines.append(Greedy(now_s))
        return engines[-1]

    with inside(store.space("reg")):
        prober = loop.Prober(setup.read(config(tmp_path), uplink=False), make, version="test", agent=False)
        engines[0].stop = prober.stop
        began_s = time.monotonic()
        prober.run()
    changes = sum(isinstance(fact, LinkSeen | AddressesSeen | RoutesSeen | NeighbourSeen) for fact in engines[0].facts)
    assert time.monotonic() - began_s >= (engines[0].steps - 1 - changes) * loop.STEP_S
