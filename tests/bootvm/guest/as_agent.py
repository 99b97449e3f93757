"""What the agent's unit lets a program do, said as JSON: opened devices, its libraries, a USB printer through libusb."""

import ctypes
import errno
import glob
import json
import os

REFUSED = ("/dev/vda", "/dev/input/event0", "/dev/mem", "/dev/kmsg", "/dev/uinput", "/dev/fuse")
VENDOR, PRODUCT = 0x04B8, 0x0202


def opened(path: str, flags: int = os.O_RDWR) -> str:
    try:
        os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return "opened"


def libusb() -> str:
    """The serial number of the first printer, read through usbfs."""
    library = ctypes.CDLL("libusb-1.0.so.0")
    library.libusb_open_device_with_vid_pid.restype = ctypes.c_void_p
    library.libusb_get_string_descriptor_ascii.argtypes = [ctypes.c_void_p, ctypes.c_uint8, ctypes.c_char_p, ctypes.c_int]
    library.libusb_close.argtypes = [ctypes.c_void_p]
    if code := library.libusb_init(None):
        return f"init {code}"
    handle = library.libusb_open_device_with_vid_pid(None, VENDOR, PRODUCT)
    if not handle:
        return "not opened"
    text = ctypes.create_string_buffer(64)
    length = library.libusb_get_string_descriptor_ascii(handle, 3, text, 64)
    library.libusb_close(handle)
    return text.value.decode() if length > 0 else f"string {length}"


def main() -> None:
    import psutil
    import pyudev
    import serial

    said = {
        "devices": {path: opened(path, os.O_RDONLY) for path in REFUSED},
        "printers": {path: opened(path) for path in glob.glob("/dev/usb/lp*")},
        "serial": {path: opened(path) for path in glob.glob("/dev/ttyUSB*")},
        "null": opened("/dev/null"),
        "psutil": sorted(psutil.net_if_addrs()),
        "udev": sorted(str(one.device_node) for one in pyudev.Context().list_devices(subsystem="usbmisc")),
        "pyserial": serial.__version__,
        "libusb": libusb(),
        "uid": os.getuid(),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
