"""The machines that QEMU emulates here, by what differs between them."""

from dataclasses import dataclass
from pathlib import Path

from tests.boot.image import run

BINFMT = Path("/proc/sys/fs/binfmt_misc")


@dataclass(frozen=True)
class Architecture:
    """`name` is Debian's; `console` and `shell` are its serial ports, `card` its network card, as its kernel calls them."""

    name: str
    emulator: str
    board: tuple[str, ...]
    shell_port: tuple[str, ...]
    """QEMU's words for the port of the shell, at the chardev `shell`."""
    console: str
    shell: str
    card: str
    clock: str = ""
    """What the kernel has to know of a clock that is emulated."""
    user_emulator: str = ""
    """The program of qemu-user-static that runs its programs on this machine; without it they run by themselves."""


AMD64 = Architecture(
    name="amd64",
    emulator="qemu-system-x86_64",
    board=("-machine", "pc,hpet=off", "-cpu", "max"),
    shell_port=("-serial", "chardev:shell"),
    console="ttyS0",
    shell="ttyS1",
    card="ens2",
    clock="tsc=unstable clocksource=acpi_pm nohz=off highres=off",  # what tests/vm learned
)
ARM64 = Architecture(
    name="arm64",
    emulator="qemu-system-aarch64",
    board=("-machine", "virt", "-cpu", "cortex-a72"),  # an ARMv8.0: a wheel that wants more of a processor ends here
    shell_port=("-device", "pci-serial,chardev=shell"),  # the board has one port only
    console="ttyAMA0",
    shell="ttyS0",
    card="enp0s1",
    user_emulator="qemu-aarch64",
)
ARCHITECTURES = {one.name: one for one in (AMD64, ARM64)}


def run_here(architecture: Architecture) -> None:
    """Let this kernel run its programs, through Debian's qemu-user-static, as systemd-binfmt does where systemd runs. Raises
    RuntimeError."""
    name = architecture.user_emulator
    if not name or (BINFMT / name).exists():
        return
    if not (BINFMT / "register").exists():
        run("mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT))
    run("/usr/lib/systemd/systemd-binfmt", f"/usr/lib/binfmt.d/{name}.conf")
