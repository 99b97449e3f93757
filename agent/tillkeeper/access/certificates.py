"""The register's certificate for pages on the network: kept in the folder `web` of the data folder, renewed by itself."""

import asyncio
import hashlib
import logging
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from tillkeeper.access.wanted import Kept, Made, Order, Wanted, is_due, validity
from tillkeeper.errors import TillkeeperError
from tillkeeper.trust import files

log = logging.getLogger(__name__)

FOLDER, FACTS, LEAF = "web", "certificate.json", "register.pem"
MAKING_S = 60.0
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all good."""


class NoCertificate(TillkeeperError):
    """The register has none, and none can be made now."""

    code = "no_certificate"


class Certificates:
    """`context` serves the newest one; connections that stand keep theirs.

    Args:
        data_dir: the agent's data folder.
        store_secret: what the store's web authority is made of; empty where it can not be read.
        now_ms: the best that is known of the time.
    """

    def __init__(self, data_dir: Path, store_secret: str, now_ms: Callable[[], int]) -> None:
        self._folder = data_dir / FOLDER
        self._secret, self._now_ms = store_secret, now_ms
        self._kept: Kept | None = None
        self._read = False
        self.context = server_context()

    @property
    def kept(self) -> Kept | None:
        """What is served now."""
        return self._kept

    async def look(self, wanted: Wanted) -> None:
        """See to it that there is one for `wanted`.

        Raises:
            NoCertificate, StorageRefused, TrustTrouble: none could be made; an older one goes on being served.
        """
        if not self._read:
            self._kept = await asyncio.to_thread(self._load)
            self._read = True
        if is_due(self._kept, wanted, self._now_ms()):
            self._kept = await asyncio.to_thread(self._make, wanted)

    def _load(self) -> Kept | None:
        """What an earlier agent made; None where there is none that can be used."""
        try:
            raw, pem = files.read(self._folder / FACTS), files.read(self._folder / LEAF)
            if raw is None or pem is None:
                return None
            kept = msgspec.json.decode(raw, type=Kept)
            if hashlib.sha256(pem).hexdigest() != kept.pem_sha256:
                return None
            self._serve()
        except (TillkeeperError, msgspec.DecodeError, OSError) as error:
            log.warning("the certificate for pages is made anew: %s", error)
            return None
        return kept

    def _serve(self) -> None:
        self.context.load_cert_chain(self._folder / LEAF, password=lambda: b"")

    def _make(self, wanted: Wanted) -> Kept:
        if not self._secret:
            raise NoCertificate("make", "certificate", "the store's secret can not be read", "see the agent's log")
        begins_ms, ends_ms = validity(self._now_ms())
        made = _made(Order(store_secret=self._secret, wanted=wanted, begins_ms=begins_ms, ends_ms=ends_ms))
        pem = made.leaf.encode()
        kept = Kept(
            wanted=wanted,
            begins_ms=begins_ms,
            ends_ms=ends_ms,
            authority=made.authority,
            fingerprint=made.fingerprint,
            pem_sha256=hashlib.sha256(pem).hexdigest(),
        )
        files.make_folder(self._folder)
        files.write(self._folder / LEAF, pem)
        files.write(self._folder / FACTS, msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
        try:
            self._serve()
        except OSError as error:
            raise NoCertificate("use", "certificate", error.strerror or str(error), "look at the disk") from error
        return kept


def _made(order: Order) -> Made:
    """By a process of its own. Raises `NoCertificate`."""
    command = [sys.executable, "-I", "-m", "tillkeeper.access.certify"]
    try:
        done = subprocess.run(command, input=msgspec.json.encode(order), capture_output=True, timeout=MAKING_S, check=True)
        return msgspec.json.decode(done.stdout, type=Made)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
        said = getattr(error, "stderr", None) or b""
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
        # Never the command's input: the store's secret is in it.
        cause = last or type(error).__name__
        raise NoCertificate("make", "certificate", cause, "the agent tries again by itself") from error


def server_context() -> ssl.SSLContext:
    """TLS 1.2 and 1.3, HTTP/1.1 alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    return context
