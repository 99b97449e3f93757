"""One question over a socket of its own: TCP connect, TLS handshake, HTTP GET or a DNS query. Never blocks.

Whatever happens the socket is closed once: by an answer, by an error, or by whoever started it when time is up.
"""

import errno
import os
import socket
import struct
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from tillkeeper.network import dns, http, tls
from tillkeeper.network.model import Answer, Probe
from tillkeeper.network.prober import clock
from tillkeeper.network.prober.poller import Poller

IP_RECVERR = 11
IPV6_RECVERR = 25
"""include/uapi/linux/in.h, in6.h: keep ICMP errors with their sender in the error queue (ip(7))."""
DNS_PORT = 53
MAX_DNS = 4096
_MOST_STRAY = 8
"""Datagrams that are no answer to this query, before it is given up."""
_EXTENDED_ERROR = struct.Struct("@IBBBBII")
_FROM_ICMP = (2, 3)
_RESET = struct.pack("@ii", 1, 0)


class Outcome(NamedTuple):
    """`answer` None: nothing came, or `error` (the errno's name) kept it from being sent. `addresses`: of a DNS answer."""

    answer: Answer | None
    at_s: float
    error: str = ""
    source: str = ""
    detail: str = ""
    clock_ahead_s: float | None = None
    addresses: tuple[str, ...] = ()


class Exchange:
    """Base. `ended` is called exactly once, unless `close` came first.

    Args:
        probe: what to ask; `address` is where, a text of `probe.target.family`.
        scope: the interface's index, for link-local addresses.
    """

    kind = socket.SOCK_STREAM
    protocol = socket.IPPROTO_TCP

    def __init__(
        self, probe: Probe, address: str, scope: int, port: int, poller: Poller, ended: Callable[["Exchange", Outcome], None]
    ) -> None:
        self.probe = probe
        self.address = address
        self.sent_s = clock.boot_s()
        self._port = port
        self._scope = scope
        self._poller = poller
        self._ended = ended
        self._sock: socket.socket | None = None

    def start(self) -> None:
        """Connect; what the kernel refuses at once is an outcome like any other."""
        is_4 = self.probe.target.family == "ipv4"
        try:
            family = socket.AF_INET if is_4 else socket.AF_INET6
            sock = self._sock = socket.socket(family, self.kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, self.protocol)
            sock.setsockopt(*((socket.IPPROTO_IP, IP_RECVERR) if is_4 else (socket.IPPROTO_IPV6, IPV6_RECVERR)), 1)
            where = (self.address, self._port)
            code = sock.connect_ex(where if is_4 else (*where, 0, self._scope if self.address.startswith("fe80:") else 0))
            if code in (0, errno.EINPROGRESS):
                self.sent(sock)
                return
        except OSError as error:
            code = error.errno or errno.EIO
        if code == errno.ECONNREFUSED and self._sock is not None:
            self._fail(self._sock, code)
        else:
            self._finish(Outcome(None, self.sent_s, error=errno.errorcode.get(code, "EIO")))

    def sent(self, sock: socket.socket) -> None:
        """The connection is on its way: wait for it."""
        self._poller.add(sock, partial(self.connected, sock), write=True)

    def connected(self, sock: socket.socket) -> None:
        """The socket became writable: connected or failed."""
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._fail(sock, code)
        else:
            self.talk(sock)

    def talk(self, sock: socket.socket) -> None:
        """Connected: being connected is the answer, unless the way of asking wants more. Ended by a reset (socket(7),
        SO_LINGER): a farewell would be three packets more, each time."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._finish(Outcome("reply", clock.boot_s()))

    def close(self) -> None:
        """Let go of the socket; `ended` will not be called any more."""
        if self._sock is not None:
            self._poller.remove(self._sock)
            self._sock.close()
            self._sock = None

    def _finish(self, outcome: Outcome) -> None:
        self.close()
        self._ended(self, outcome)

    def _fail(self, sock: socket.socket, code: int) -> None:
        """An error that came back. Only what a router or the host itself has said counts as an answer."""
        now_s = clock.boot_s()
        source = self._offender(sock)
        if source is None:  # no ICMP: a reset, or the kernel's own despair
            answer: Answer | None = "refused" if code in (errno.ECONNREFUSED, errno.ECONNRESET) else None
            self._finish(Outcome(answer, now_s, source=self.address if answer else ""))
        elif source == self.address and code == errno.ECONNREFUSED:
            self._finish(Outcome("refused", now_s, source=source, detail="port unreachable"))
        else:
            self._finish(Outcome("unreachable", now_s, source=source, detail=errno.errorcode.get(code, "")))

    def _offender(self, sock: socket.socket) -> str | None:
        """Who sent the ICMP error (`struct sock_extended_err` and the address behind it, linux/errqueue.h); None: no other."""
        try:
            _, messages, _, _ = sock.recvmsg(0, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except OSError:
            return None
        for _, kind, data in messages:
            if kind not in (IP_RECVERR, IPV6_RECVERR) or len(data) < _EXTENDED_ERROR.size + 8:
                continue
            if _EXTENDED_ERROR.unpack_from(data)[1] not in _FROM_ICMP:
                continue
            raw = data[_EXTENDED_ERROR.size :]
            if self.probe.target.family == "ipv4":
                found = socket.inet_ntop(socket.AF_INET, raw[4:8])
            elif len(raw) >= 24:
                found = socket.inet_ntop(socket.AF_INET6, raw[8:24])
            else:
                continue
            return None if found == sock.getsockname()[0].partition("%")[0] else found
        return None


class HttpExchange(Exchange):
    """GET of `probe.target.path`. HTTP 204 of a portal check, and any answer below 500 of HQ, is a reply."""

    def talk(self, sock: socket.socket) -> None:
        target = self.probe.target
        self._head = b""
        try:
            sock.send(http.get_request(target.host or self.address, target.path or "/", self._port))
        except OSError as error:
            self._fail(sock, error.errno or errno.EPIPE)
            return
        self._poller.add(sock, partial(self._read, sock))

    def _read(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(http.MAX_HEAD + 1 - len(self._head))
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(sock, error.errno or errno.EIO)
            return
        self._head += data
        if data and http.wants_more(self._head):
            return
        now_s = clock.boot_s()
        head = http.parse_head(self._head)
        if head is None:
            self._finish(Outcome("wrong", now_s, detail="no HTTP answer"))
            return
        ahead_s = None if head.date_ms is None else clock.wall_s() - head.date_ms / 1000
        answer, detail = self._meaning(head)
        self._finish(Outcome(answer, now_s, detail=detail, clock_ahead_s=ahead_s))

    def _meaning(self, head: "http.Head") -> tuple[Answer, str]:
        if 300 <= head.status < 400 or head.status == 511:  # RFC 6585, 6: network authentication required
            return "redirected", head.location or f"HTTP {head.status}"
        if self.probe.target.role == "hq":
            return ("reply", "") if 200 <= head.status < 500 else ("wrong", f"HTTP {head.status}")
        if head.status == 204 or (head.status == 200 and head.length == 0):
            return "reply", ""
        return ("redirected" if head.status == 200 else "wrong"), f"HTTP {head.status}"


class TlsExchange(Exchange):
    """The beginning of a handshake: whether the certificate that comes is of the host that is meant (`network.tls`)."""

    def talk(self, sock: socket.socket) -> None:
        self._host = self.probe.target.host or self.address
        self._data = b""
        try:
            sock.send(tls.client_hello(self._host, os.urandom(tls.RANDOM_BYTES)))
        except OSError as error:
            self._fail(sock, error.errno or errno.EPIPE)
            return
        self._poller.add(sock, partial(self._read, sock))

    def _read(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(tls.MAX_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        except OSError as error:
            self._fail(sock, error.errno or errno.EIO)
            return
        self._data += data
        seen = tls.parse(self._data)
        if seen is None and data and len(self._data) < tls.MAX_BYTES:
            return
        answer, detail = tls.meaning(seen or tls.Seen(False), self._host, clock.wall_s())
        self._finish(Outcome(answer, clock.boot_s(), detail=detail))


class DnsExchange(Exchange):
    """One query over connected UDP: the kernel picks the port and gives us ICMP's errors."""

    kind = socket.SOCK_DGRAM
    protocol = socket.IPPROTO_UDP

    def __init__(
        self, probe: Probe, address: str, scope: int, port: int, poller: Poller, ended: Callable[[Exchange, Outcome], None],
        record: dns.Record, name: str,
    ) -> None:  # fmt: skip
        super().__init__(probe, address, scope, port, poller, ended)
        self.name, self.record = name, record
        self._id = int.from_bytes(os.urandom(2), "big")
        self._stray = 0

    def sent(self, sock: socket.socket) -> None:
        sock.send(dns.query(self._id, self.name, self.record))
        self._poller.add(sock, partial(self._read, sock))

    def _read(self, sock: socket.socket) -> None:
        while self._sock is not None:
            try:
                data = sock.recv(MAX_DNS)
            except BlockingIOError:
                return
            except OSError as error:
                self._fail(sock, error.errno or errno.EIO)
                return
            found = dns.parse(data, self._id, self.name, self.record)
            if found is not None:
                self._answered(found)
                return
            self._stray += 1
            if self._stray >= _MOST_STRAY:
                self._finish(Outcome("wrong", clock.boot_s(), detail="answers that fit no question"))

    def _answered(self, found: dns.Response) -> None:
        now_s = clock.boot_s()
        if found.code in (0, 3):  # NOERROR, NXDOMAIN (RFC 1035, 4.1.1): it works, whatever it knows
            self._finish(Outcome("reply", now_s, detail=",".join(found.addresses[:8]), addresses=found.addresses))
        else:
            self._finish(Outcome("wrong", now_s, detail=_RCODES.get(found.code, f"RCODE {found.code}")))


_RCODES = {1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED"}
