"""A capture for the technician: headers, and of payload only what shows no secret. libpcap's file format, version 2.4.

What is kept of a frame is decided by `kept`, from a list of what is known to be harmless; everything else is cut after its
headers. `orig_len` still says how long it was.
"""

import os
import socket
import struct
from pathlib import Path
from types import TracebackType

MAGIC, LINKTYPE_ETHERNET, SNAP_BYTES = 0xA1B23C4D, 1, 2048
"""The magic number of nanosecond stamps."""
UDP_PAYLOAD = 96
"""Of DHCP and DNS. TCP and all other UDP keep none."""
HARMLESS_PORTS = frozenset({53, 67, 68})
ETHERNET = 14
STP_GROUP, CDP_GROUP = bytes.fromhex("0180c2000000"), bytes.fromhex("01000ccccccc")
CDP_SNAP = bytes.fromhex("aaaa0300000c2000")
FRAMES_AT_ONCE = 256
SO_TIMESTAMPNS = 35


def kept(frame: bytes) -> int:
    """How many bytes of an Ethernet frame may be written: never more than 96 of a TCP or UDP payload."""
    at, kind = ETHERNET, frame[12:14]
    while kind in (b"\x81\x00", b"\x88\xa8") and at < ETHERNET + 8:
        kind, at = frame[at + 2 : at + 4], at + 4
    if kind == b"\x08\x06":
        return min(len(frame), at + 28)
    if kind == b"\x88\xcc":
        return len(frame)
    if kind == b"\x08\x00":
        return min(len(frame), at + _ipv4(frame[at:]))
    if kind == b"\x86\xdd":
        return min(len(frame), at + _ipv6(frame[at:]))
    if int.from_bytes(kind, "big") <= 1500:
        spanning = frame[:6] == STP_GROUP
        cdp = frame[:6] == CDP_GROUP and frame[at : at + 8] == CDP_SNAP
        return len(frame) if spanning or cdp else min(len(frame), at + 3)
    return min(len(frame), at)


def _ipv4(packet: bytes) -> int:
    if len(packet) < 20:
        return len(packet)
    head = max(20, (packet[0] & 0x0F) * 4)
    # A later fragment begins in the middle of somebody's payload.
    if struct.unpack_from("!H", packet, 6)[0] & 0x1FFF:
        return head
    # An ICMP error quotes the packet that it is about: its headers only (RFC 792).
    return head + _transport(packet[9], packet[head:], icmp=8 + 20 + 8 if packet[9] == 1 else 0)


def _ipv6(packet: bytes) -> int:
    if len(packet) < 40:
        return len(packet)
    following, message = packet[6], packet[40:]
    discovery = following == 58 and message[:1] >= b"\x82"  # 130 and above: MLD, ND
    return 40 + _transport(following, message, icmp=0 if following != 58 else 255 if discovery else 8 + 40 + 8)


def _transport(protocol: int, segment: bytes, *, icmp: int) -> int:
    if protocol == 6 and len(segment) >= 20:
        return max(20, (segment[12] >> 4) * 4)
    if protocol == 17 and len(segment) >= 8:
        return 8 + (UDP_PAYLOAD if HARMLESS_PORTS & set(struct.unpack_from("!HH", segment)) else 0)
    return icmp


class Capture:
    """Writes what `source` hears (an AF_PACKET socket, which it closes) to a new file of mode 0640, until `limit` bytes.

    Raises:
        OSError: the file exists already, or cannot be made.
    """

    def __init__(self, path: Path, source: socket.socket, limit: int) -> None:
        self._source, self._left, self._buffer = source, limit, bytearray(SNAP_BYTES)
        self.frames = self.left_out = 0
        try:
            source.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o640)
        except OSError:
            source.close()
            raise
        os.fchmod(self._file, 0o640)
        self._write(struct.pack("=IHHiIII", MAGIC, 2, 4, 0, 0, SNAP_BYTES, LINKTYPE_ETHERNET))

    def fileno(self) -> int:
        return self._source.fileno()

    def __enter__(self) -> "Capture":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._source.close()
        os.close(self._file)

    def drain(self) -> None:
        """Writes what waits, with the kernel's stamps. A full disk ends the capture, not the diagnosis."""
        records = []
        for _ in range(FRAMES_AT_ONCE):
            try:
                # MSG_TRUNC: the length that the frame had.
                length, ancillary, _, _ = self._source.recvmsg_into([self._buffer], socket.CMSG_SPACE(16), socket.MSG_TRUNC)
            except OSError:  # nothing more for now (EAGAIN), or the interface is down
                break
            frame = bytes(self._buffer[: min(length, SNAP_BYTES)])
            part = frame[: kept(frame)]
            second, nanosecond = struct.unpack("=qq", ancillary[0][2]) if ancillary else (0, 0)
            record = struct.pack("=IIII", second & 0xFFFF_FFFF, nanosecond, len(part), length) + part
            if len(record) > self._left:
                self.left_out += 1
                continue
            self._left -= len(record)
            self.frames += 1
            records.append(record)
        if records:
            self._write(b"".join(records))

    def _write(self, data: bytes) -> None:
        try:
            os.write(self._file, data)
        except OSError:
            self._left = 0
