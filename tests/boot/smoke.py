"""Runs inside a booted machine, by the package's own Python, under a unit's sandbox: uses what the product uses, and prints a
JSON object: what was tried -> "ok" or what went wrong. Only the standard library is imported before something is tried."""

import contextlib
import importlib
import json
import os
import pkgutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOT_HERE = ("tillkeeper_hq.postgres", "tillkeeper.__main__", "tillkeeper_hq.__main__", "tillkeeper.network.deep.__main__")
"""They begin when they are imported, or need what only HQ's package has."""
NODES = (
    ("dev/usb/lp7", 180, 7, "lp"), ("dev/bus/usb/009/001", 189, 1024, "lp"),
    ("dev/ttyUSB7", 188, 7, "dialout"), ("dev/ttyAMA7", 204, 71, "dialout"),
)  # fmt: skip
"""What has to be there as udev makes it where a printer is plugged in: path, numbers, group."""
DEVICE_GONE = {6, 19}
"""ENXIO, ENODEV: the node may be opened, and there is no printer behind it."""


def modules(*packages: str) -> None:
    """Every module there is can be imported."""
    troubles = []
    for package in packages:
        found = importlib.import_module(package)
        for one in pkgutil.walk_packages(found.__path__, f"{package}."):
            if one.name in NOT_HERE or (one.name.startswith("tillkeeper.network.deep.") and "agent" in sys.argv):
                continue
            try:
                importlib.import_module(one.name)
            except Exception as error:  # noqa: BLE001 - all of them are told
                troubles.append(f"{one.name}: {error!r}")
    if troubles:
        raise RuntimeError("; ".join(troubles))


def certificate() -> bytes:
    """For 127.0.0.1, with its key, in PEM form (cryptography, which HQ's package has not)."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    return pem + private


def tls() -> None:
    """A certificate is made or read, served, and asked for, by httpx where the package has it."""
    pem = certificate() if sys.argv[1] == "agent" else Path("/usr/share/smoke.pem").read_bytes()
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        (Path(folder) / "c").write_bytes(pem)
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(f"{folder}/c")

        def serve() -> None:
            with contextlib.suppress(OSError), ours.wrap_socket(listener.accept()[0], server_side=True) as one:
                one.recv(4096)
                one.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        theirs = ssl.create_default_context(cafile=f"{folder}/c")
        port = listener.getsockname()[1]
        if sys.argv[1] == "agent":
            import httpx

            assert httpx.get(f"https://127.0.0.1:{port}/", verify=theirs, trust_env=False).status_code == 204
        else:
            with theirs.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1") as one:
                one.sendall(b"GET / HTTP/1.1\r\n\r\n")
                assert one.recv(12) == b"HTTP/1.1 204"


def signatures() -> None:
    from nacl.signing import SigningKey

    key = SigningKey.generate()
    key.verify_key.verify(key.sign(b"books"))


def database(folder: str) -> None:
    import apsw

    place = Path(folder) / "smoke.db"
    connection = apsw.Connection(str(place))
    for statement in ("PRAGMA journal_mode = WAL", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"):
        connection.execute(statement).fetchall()
    assert list(connection.execute("SELECT a FROM t")) == [(1,)]
    connection.close()
    place.unlink()


def picture() -> None:
    """A drawn ticket: Pillow with the packaged fonts."""
    from PIL import Image, ImageDraw

    image = Image.new("1", (64, 64))
    ImageDraw.Draw(image).text((0, 0), "ok", fill=1)
    assert image.getbbox()


def child() -> None:
    """Helpers run as children, by the same Python."""
    done = subprocess.run([sys.executable, "-I", "-c", "print(6 * 7)"], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "42\n"


def serial_line() -> None:
    import serial

    near, far = os.openpty()
    with serial.Serial(os.ttyname(far), 9600, timeout=5) as line:
        os.write(near, b"\x10\x04")
        assert line.read(2) == b"\x10\x04"
        line.write(b"ok")
        line.flush()
        assert os.read(near, 2) == b"ok"


def node(path: str) -> None:
    """A device's node may be opened by this user in this sandbox. There is no device behind it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    except OSError as error:
        if error.errno not in DEVICE_GONE:
            raise


def udev() -> None:
    import pyudev

    context = pyudev.Context()
    list(context.list_devices(subsystem="tty"))
    monitor = pyudev.Monitor.from_netlink(context)
    monitor.start()
    assert monitor.poll(timeout=0) is None


def boot() -> None:
    from tillkeeper.clock import boot_id

    assert len(boot_id()) == 32, boot_id()


def hidden() -> None:
    """Who else runs here is not to be seen, unless it is of the same user."""
    shown = [entry for entry in os.listdir("/proc") if entry.isdigit()]
    strangers = [pid for pid in shown if os.stat(f"/proc/{pid}").st_uid != os.getuid()]
    assert not strangers, strangers


def figures() -> None:
    """psutil, as the prober uses it."""
    import psutil

    assert psutil.cpu_percent(0.1) >= 0
    for ask in (psutil.net_io_counters, psutil.net_if_stats, psutil.net_if_addrs):
        found = ask(pernic=True) if ask is psutil.net_io_counters else ask()
        assert "lo" in found, ask


def packets() -> None:
    from scapy.all import IP, Ether, conf  # type: ignore[attr-defined]

    assert bytes(Ether() / IP(dst="192.0.2.1"))
    listening = conf.L2listen(iface="lo")
    listening.close()
    for family, protocol in ((socket.AF_INET, socket.IPPROTO_ICMP), (socket.AF_INET6, socket.IPPROTO_ICMPV6)):
        socket.socket(family, socket.SOCK_RAW, protocol).close()
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()


def password() -> None:
    """scrypt takes memory at once."""
    import hashlib

    assert hashlib.scrypt(b"word", salt=b"salt", n=2**14, r=8, p=1, maxmem=64 * 2**20)


def refused(what: Callable[[], object]) -> None:
    """The sandbox says no, with an error and not with a signal."""
    try:
        what()
    except OSError:
        return
    raise AssertionError("it was let")


def sandbox() -> Iterator[tuple[str, Callable[[], object]]]:
    yield "no other namespace", lambda: refused(lambda: os.chroot("/"))
    yield "the system is not written", lambda: refused(lambda: Path("/usr/smoke").write_text(""))
    yield "no chown", lambda: refused(lambda: os.chown("/dev/null", 0, 0))
    yield "no raw disk", lambda: refused(lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(8, 0)))


AGENT: tuple[tuple[str, Callable[[], object]], ...] = (
    ("modules", lambda: modules("tillkeeper", "tillkeeper_drivers", "tillkeeper_systemd")),
    ("tls", tls), ("signatures", signatures), ("database", lambda: database("/var/lib/tillkeeper")), ("picture", picture),
    ("child", child), ("serial", serial_line), ("udev", udev), ("boot id", boot), ("other processes", hidden),
    ("usblp", lambda: node("/dev/usb/lp7")), ("libusb", lambda: node("/dev/bus/usb/009/001")),
    ("tty", lambda: node("/dev/ttyUSB7")), ("tty of an arm64 board", lambda: node("/dev/ttyAMA7")),
)  # fmt: skip
PROBER: tuple[tuple[str, Callable[[], object]], ...] = (
    ("modules", lambda: modules("tillkeeper.network", "tillkeeper_systemd")), ("psutil", figures), ("scapy", packets),
    ("child", child), ("other processes", hidden),
    ("no books", lambda: refused(lambda: os.listdir("/var/lib/tillkeeper"))),
    ("no printer", lambda: refused(lambda: os.open("/dev/usb/lp7", os.O_RDWR))),
)  # fmt: skip
HQ: tuple[tuple[str, Callable[[], object]], ...] = (
    ("modules", lambda: modules("tillkeeper_hq", "tillkeeper.contract", "tillkeeper_systemd")), ("passwords", password),
    ("tls", tls), ("signatures", signatures), ("database", lambda: database("/var/lib/tillkeeper-hq")),
    ("other processes", hidden),
)  # fmt: skip
NIGHTLY: tuple[tuple[str, Callable[[], object]], ...] = (
    ("database", lambda: database("/var/lib/tillkeeper")), ("other processes", hidden),
    ("no network", lambda: refused(lambda: socket.create_connection(("127.0.0.1", 9), 1))),
)  # fmt: skip


def main() -> None:
    said = {}
    for name, what in (*{"agent": AGENT, "prober": PROBER, "hq": HQ, "nightly": NIGHTLY}[sys.argv[1]], *sandbox()):
        try:
            what()
            said[name] = "ok"
        except BaseException as error:  # noqa: BLE001 - told, whatever it is
            said[name] = repr(error)
    print("SMOKE " + json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
