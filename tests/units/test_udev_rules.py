"""The udev rules, run by udev itself (`udevadm test`) over devices that umockdev makes up."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.prerequisites import need

RULES = Path(__file__).resolve().parents[2] / "systemd" / "udev" / "60-tillkeeper.rules"
SYSTEMS = ("50-udev-default.rules", "60-serial.rules", "80-mm-candidate.rules")
"""Those of udev that ours stand between, and ModemManager's where it is installed."""
PLACES = (Path("/usr/lib/udev/rules.d"), Path("/lib/udev/rules.d"))
BUS = "/devices/pci0000:00/0000:00:14.0/usb1"
# A mount namespace of its own: the machine's rules are others, and its database stays as it is.
ALONE = 'mount -t tmpfs tmpfs /run && mount --bind "$0" /usr/lib/udev/rules.d && exec "$@"'


def descriptors(vendor: int, product: int, use: int, subclass: int, protocol: int) -> str:
    """Device, configuration and one interface with two endpoints (USB 2.0, sections 9.6.1 to 9.6.6), in hex."""
    ids = vendor.to_bytes(2, "little") + product.to_bytes(2, "little")
    device = bytes((18, 1, 0, 2, 0, 0, 0, 64)) + ids + bytes((0, 1, 1, 2, 3, 1))
    parts = bytes((9, 4, 0, 0, 2, use, subclass, protocol, 0, 7, 5, 1, 2, 64, 0, 0, 7, 5, 0x82, 2, 64, 0, 0))
    return (device + bytes((9, 2, 9 + len(parts), 0, 1, 1, 0, 0xC0, 0)) + parts).hex().upper()


def ran(folder: Path, ids: tuple[int, int], use: tuple[int, int, int], node: str = "") -> dict[str, str]:
    """What udev's rules and ours say of a USB device, or of its node ("ttyUSB0", "lp0")."""
    need("udevadm", "umockdev-run", "unshare")
    vendor, product = ids
    device = f"{BUS}/1-1"
    lines = [
        f"P: {device}", "N: bus/usb/001/002", "E: DEVTYPE=usb_device", "E: DEVNAME=/dev/bus/usb/001/002", "E: SUBSYSTEM=usb",
        f"A: idVendor={vendor:04x}\\n", f"A: idProduct={product:04x}\\n", "A: power/control=auto\\n",
        f"H: descriptors={descriptors(vendor, product, *use)}", "",
    ]  # fmt: skip
    subsystem = "tty" if node.startswith("tty") else "usbmisc"
    path = f"{device}/1-1:1.0/{subsystem}/{node}" if node else device
    if node:
        lines += [f"P: {path}", f"N: {node}", f"E: DEVNAME=/dev/{node}", f"E: SUBSYSTEM={subsystem}", ""]
    tree, rules = folder / "devices", folder / "rules"
    tree.write_text("\n".join(lines) + "\n")
    rules.mkdir(exist_ok=True)
    for name in SYSTEMS:
        found = next((place / name for place in PLACES if (place / name).exists()), None)
        if found is not None:
            shutil.copy(found, rules)
    shutil.copy(RULES, rules)
    command = ("umockdev-run", "-d", str(tree), "--", "udevadm", "test", f"/sys{path}")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", ALONE, str(rules), *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    ours = [line for line in said.splitlines() if RULES.name in line]
    assert not [line for line in ours if "nvalid" in line or "nknown" in line or "ignor" in line.lower().split()], said
    properties = dict(
        line.partition("=")[::2] for line in said.splitlines() if "=" in line and " " not in line.partition("=")[0]
    )
    return properties | {"awake": "yes" if any("writing 'on'" in line for line in ours) else "no"}


PRINTER, VENDOR, MODEM = (7, 1, 2), (0xFF, 0, 0), (2, 2, 1)


@pytest.mark.root
@pytest.mark.parametrize(
    ("ids", "use", "kind"),
    [
        ((0x04B8, 0x0202), PRINTER, "printer"),
        ((0x0519, 0x0003), VENDOR, "printer"),
        ((0x1504, 0x0006), MODEM, "printer"),
        ((0x6868, 0x0200), PRINTER, "printer"),
        ((0x0403, 0x6001), VENDOR, "serial"),
        ((0x067B, 0x2303), VENDOR, "serial"),
        ((0x10C4, 0xEA60), VENDOR, "serial"),
        ((0x1A86, 0x7523), VENDOR, "serial"),
    ],
)
def test_printers_and_adapters_are_awake_and_no_modems(
    tmp_path: Path, ids: tuple[int, int], use: tuple[int, int, int], kind: str
) -> None:
    said = ran(tmp_path, ids, use)
    assert said["TILLKEEPER_DEVICE"] == kind
    assert said["ID_MM_DEVICE_IGNORE"] == "1"
    assert said["awake"] == "yes"


@pytest.mark.root
def test_what_hangs_on_an_adapter_is_no_modem_either(tmp_path: Path) -> None:
    said = ran(tmp_path, (0x1A86, 0x7523), VENDOR, "ttyUSB0")
    assert said["ID_MM_PORT_IGNORE"] == "1"
    assert said["ID_MM_DEVICE_IGNORE"] == "1"


@pytest.mark.root
@pytest.mark.parametrize(
    ("ids", "use"), [((0x12D1, 0x1506), VENDOR), ((0x046D, 0xC31C), (3, 1, 1)), ((0x0781, 0x5567), (8, 6, 80))]
)
def test_modems_keyboards_and_sticks_are_left_alone(tmp_path: Path, ids: tuple[int, int], use: tuple[int, int, int]) -> None:
    said = ran(tmp_path, ids, use)
    assert "TILLKEEPER_DEVICE" not in said
    assert "ID_MM_DEVICE_IGNORE" not in said
    assert said["awake"] == "no"


@pytest.mark.root
def test_a_modems_port_stays_a_modems(tmp_path: Path) -> None:
    said = ran(tmp_path, (0x12D1, 0x1506), VENDOR, "ttyUSB0")
    assert "ID_MM_PORT_IGNORE" not in said
