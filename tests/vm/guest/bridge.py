"""Carries bytes between the gadget of this machine and a virtual printer outside: `bridge.py GADGET PORT`.

SIGUSR1: the port says from now on that the paper is out; SIGUSR2: that all is well (linux/usb/g_printer.h).
"""

import fcntl
import os
import signal
import sys
import threading
import time

GADGET_SET_PRINTER_STATUS = 0xC0016722  # _IOWR('g', 0x22, unsigned char)
PAPER_OUT, WELL = 0x30, 0x18  # USB printer class 1.1, 4.2.2: paper empty, selected, not error
AGAIN_S = 0.02


def carry(source: int, target: int) -> None:
    while True:
        try:
            data = os.read(source, 512)
            while data:
                data = data[os.write(target, data) :]
        except OSError:  # unplugged meanwhile: what was on its way is gone, as with a real cable
            time.sleep(AGAIN_S)


def main() -> None:
    gadget, port = (os.open(path, os.O_RDWR) for path in sys.argv[1:3])
    state = [WELL]

    def say(number: int, _frame: object) -> None:
        state[0] = PAPER_OUT if number == signal.SIGUSR1 else WELL
        fcntl.ioctl(gadget, GADGET_SET_PRINTER_STATUS, state[0])

    signal.signal(signal.SIGUSR1, say)
    signal.signal(signal.SIGUSR2, say)
    for source, target in ((gadget, port), (port, gadget)):
        threading.Thread(target=carry, args=(source, target), daemon=True).start()
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
