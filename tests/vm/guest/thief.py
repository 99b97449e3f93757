"""Takes a printer as other programs do, until SIGTERM; NAME is what the process is called.

`thief.py NAME keeps NODE` has the node open; `thief.py NAME takes BUS_NODE INTERFACE` detaches the kernel's driver, which is
what CUPS does through libusb.
"""

import fcntl
import os
import signal
import struct
import sys

# linux/usbdevice_fs.h, for a 64-bit kernel
USBDEVFS_CLAIMINTERFACE, USBDEVFS_RELEASEINTERFACE = 0x8004550F, 0x80045510
USBDEVFS_IOCTL, USBDEVFS_DISCONNECT, USBDEVFS_CONNECT = 0xC0105512, 0x5516, 0x5517


def main() -> None:
    name, how, node = sys.argv[1:4]
    with open("/proc/self/comm", "w", encoding="ascii") as comm:
        comm.write(name)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    fd = os.open(node, os.O_RDWR)
    interface = int(sys.argv[4]) if how == "takes" else 0
    if how == "takes":
        fcntl.ioctl(fd, USBDEVFS_IOCTL, struct.pack("iiP", interface, USBDEVFS_DISCONNECT, 0))
        fcntl.ioctl(fd, USBDEVFS_CLAIMINTERFACE, struct.pack("I", interface))
    print("has it", flush=True)
    signal.sigwait({signal.SIGTERM})
    if how == "takes":
        fcntl.ioctl(fd, USBDEVFS_RELEASEINTERFACE, struct.pack("I", interface))
        fcntl.ioctl(fd, USBDEVFS_IOCTL, struct.pack("iiP", interface, USBDEVFS_CONNECT, 0))


if __name__ == "__main__":
    main()
