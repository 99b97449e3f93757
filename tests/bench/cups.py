"""A CUPS server of its own (private ServerRoot) with one raw queue to a TCP port.

Jobs are sent by IPP over its own socket (RFC 8010 encoding, RFC 8011 Print-Job): starting `lp` would cost more than CUPS does.
"""

import getpass
import grp
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

PRINT_JOB = 0x0002
_OPERATION, _END = b"\x01", b"\x03"
_CHARSET, _LANGUAGE, _URI, _NAME, _MIME = 0x47, 0x48, 0x45, 0x42, 0x49
UP_S = 10.0


class CupsMissing(Exception):
    """There is no CUPS on this machine, or it can not run here; the message says which."""


class RawQueue:
    """Use as a context.

    Args:
        folder: for the server's files; short enough for a unix socket.
        port: where the queue sends its jobs.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._socket = folder, folder / "cups.sock"
        program = shutil.which("cupsd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise CupsMissing("CUPS is not installed")
        if os.geteuid() != 0:
            raise CupsMissing("cupsd needs root")
        self._program = program
        self._write(port)

    def _write(self, port: int) -> None:
        for name in ("spool", "spool/tmp", "cache", "run", "log"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        # The backend runs as cupsd's own user and must reach its folder.
        admin = grp.getgrgid(os.getgid()).gr_name
        (self._folder / "cups-files.conf").write_text(
            f"ServerRoot {self._folder}\nRequestRoot {self._folder}/spool\nTempDir {self._folder}/spool/tmp\n"
            f"CacheDir {self._folder}/cache\nStateDir {self._folder}/run\nPrintcap\nFileDevice Yes\n"
            f"AccessLog {self._folder}/log/access\nErrorLog {self._folder}/log/error\nPageLog {self._folder}/log/page\n"
            f"User lp\nGroup lp\nSystemGroup {admin}\n"
        )
        (self._folder / "cupsd.conf").write_text(
            f"LogLevel warn\nListen {self._socket}\nBrowsing Off\nPreserveJobHistory No\nMaxJobs 0\nMaxLogSize 0\n"
            "<Location />\nOrder allow,deny\nAllow all\n</Location>\n"
            "<Policy default>\n<Limit All>\nOrder deny,allow\n</Limit>\n</Policy>\n"
        )
        (self._folder / "printers.conf").write_text(
            f"<Printer raw>\nInfo raw\nDeviceURI socket://127.0.0.1:{port}\nState Idle\nAccepting Yes\nShared No\n"
            "ErrorPolicy retry-job\n</Printer>\n"
        )

    def __enter__(self) -> Self:
        files = ["-c", str(self._folder / "cupsd.conf"), "-s", str(self._folder / "cups-files.conf")]
        with (self._folder / "log" / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [self._program, "-f", *files], stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
        till = time.monotonic() + UP_S
        while not self._socket.exists():
            if self._process.poll() is not None or time.monotonic() > till:
                self.__exit__(None, None, None)
                raise CupsMissing(f"cupsd did not come up: {(self._folder / 'log' / 'said').read_text()[-300:]}")
            time.sleep(0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)

    def submit(self, document: bytes) -> int:
        """Send one job and wait until it was accepted; CLOCK_MONOTONIC in ns right before. Raises AssertionError."""
        attributes = (
            (_CHARSET, "attributes-charset", "utf-8"),
            (_LANGUAGE, "attributes-natural-language", "en"),
            (_URI, "printer-uri", "ipp://localhost/printers/raw"),
            (_NAME, "requesting-user-name", getpass.getuser()),
            (_MIME, "document-format", "application/vnd.cups-raw"),
        )
        body = struct.pack(">BBHI", 1, 1, PRINT_JOB, 1) + _OPERATION
        for tag, name, value in attributes:
            body += struct.pack(">BH", tag, len(name)) + name.encode() + struct.pack(">H", len(value)) + value.encode()
        body += _END + document
        head = "POST /printers/raw HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/ipp\r\n"
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(str(self._socket))
            began_ns = time.monotonic_ns()
            sock.sendall(request)
            answer = sock.recv(65_536)
            while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < 8:
                more = sock.recv(65_536)
                assert more, answer
                answer += more
        content = answer.rpartition(b"\r\n\r\n")[2]
        assert content[2:4] < b"\x01\x00", f"CUPS refused the job: {answer[:400]!r}"
        return began_ns
