"""How devices reach this register: the certificate and the listener of [lan], and what is said of both."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

from tillkeeper.access.certificates import Certificates
from tillkeeper.access.wanted import Wanted, grouped, own_addresses
from tillkeeper.config.lan import is_private, place
from tillkeeper.config.model import Config
from tillkeeper.contract.access import LanView
from tillkeeper.errors import NotFound, TillkeeperError
from tillkeeper.people.pins import secret_id

log = logging.getLogger(__name__)

LOOK_S = 5.0
AGAIN_S = 30.0
"""After a certificate that could not be made: each try is a process."""
ANY = ("0.0.0.0", "::")  # noqa: S104 - what is compared with


class Serving:
    """Implements `access.desk.Reach`.

    Args:
        config: with [lan].
        certificates: None where [lan] says nothing, or no TLS.
        secret: the store's.
        loopback: the address of the register's own port, "http://127.0.0.1:PORT" or empty.
        changed: called when something is to be said otherwise.
    """

    def __init__(
        self, config: Config, certificates: Certificates | None, secret: str, loopback: str, changed: Callable[[], None]
    ) -> None:
        self._config, self._certificates, self._secret = config, certificates, secret
        self._loopback, self._changed = loopback, changed
        self._place = place(config.lan.listen) if config.lan.listen else None
        self._certificate_trouble = ""
        self._listen_trouble = "it has not begun yet" if self._place else ""

    @property
    def place(self) -> tuple[str, int] | None:
        """Address and port of [lan], None where nothing listens there."""
        return self._place

    @property
    def context(self) -> ssl.SSLContext | None:
        return self._certificates.context if self._certificates is not None else None

    @property
    def secure(self) -> bool:
        return self._certificates is not None

    def listening(self, trouble: str) -> None:
        """Why the listener does not listen, empty once it does."""
        if trouble != self._listen_trouble:
            if trouble:
                log.warning("no device reaches this register: %s", trouble)
            self._listen_trouble = trouble
            self._changed()

    # --- the certificate ---

    async def ready(self) -> None:
        """Returns once there is a certificate to be served. Never gives up."""
        while True:
            if await self._look():
                return
            await asyncio.sleep(AGAIN_S)

    async def keep(self) -> None:
        """Renew it in time, and where this machine gets another address. Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not await self._look():
                await asyncio.sleep(AGAIN_S)

    async def _look(self) -> bool:
        if self._certificates is None or self._place is None:
            return True
        try:
            await self._certificates.look(self._wanted())
        except TillkeeperError as error:
            self._say(str(error))
            return False
        self._say("")
        return True

    def _say(self, trouble: str) -> None:
        if trouble != self._certificate_trouble:
            if trouble:
                log.error("the certificate for pages on the network: %s", trouble)
            self._certificate_trouble = trouble
            self._changed()

    def _wanted(self) -> Wanted:
        return Wanted(
            store=self._config.store.id,
            register=self._config.this_register,
            secret_id=secret_id(self._secret),
            addresses=self._addresses(),
            names=self._config.lan.names,
        )

    def _addresses(self) -> tuple[str, ...]:
        """Private addresses under which this machine is called: the configured one, or all that it has now."""
        if self._place is None:
            return ()
        host = self._place[0]
        if host not in ANY:
            return (host,)
        family = socket.AF_INET if host == ANY[0] else socket.AF_INET6
        import psutil  # only where no address is configured

        found = [
            one.address.partition("%")[0]
            for addresses in psutil.net_if_addrs().values()
            for one in addresses
            if one.family == family
        ]
        return own_addresses([address for address in found if is_private(address)])

    # --- what is said ---

    def _base(self, host: str) -> str:
        port = self._place[1] if self._place is not None else 0
        named = f"[{host}]" if ":" in host else host
        scheme, usual = ("https", 443) if self.secure else ("http", 80)
        return f"{scheme}://{named}" if port == usual else f"{scheme}://{named}:{port}"

    def _hosts(self) -> tuple[str, ...]:
        """The best to be written on a wall first: where the other registers find this one, addresses, names."""
        if self._place is None:
            return ()
        own = self._config.register.address.rpartition(":")[0] or self._config.register.address
        known = (*self._addresses(), *self._config.lan.names)
        return tuple(sorted(known, key=lambda one: one != own))

    def trouble(self) -> str:
        """What is wrong, in words; empty where nothing is, and where [lan] is off."""
        return self._listen_trouble and (self._certificate_trouble or self._listen_trouble)

    def advice(self) -> tuple[str, ...]:
        """For the status: what a person should know of the way by the network."""
        if self._place is None:
            return ()
        said = [f"Tablets do not reach this register: {self.trouble()}"] if self.trouble() else []
        if not self.trouble() and self._certificate_trouble:
            said.append(f"The certificate for tablets can not be renewed: {self._certificate_trouble}")
        if not self.secure:
            said.append(
                "Tablets reach this register without HTTPS: anybody on the network can listen, and their pages do not survive "
                "a reload while the register is away"
            )
        return tuple(said)

    def view(self) -> LanView:
        kept = self._certificates.kept if self._certificates is not None else None
        return LanView(
            urls=tuple(self._base(host) for host in self._hosts()),
            secure=self.secure,
            trouble=self.trouble(),
            fingerprint=grouped(kept.fingerprint) if kept is not None else "",
            leaf_until_ms=kept.ends_ms if kept is not None else None,
        )

    def authority(self) -> bytes:
        """DER. Raises `NotFound`."""
        kept = self._certificates.kept if self._certificates is not None else None
        if kept is None:
            hint = "set `listen` in [lan] (docs/access.md)"
            raise NotFound("get", "certificate", "this register serves no pages by HTTPS", hint)
        return ssl.PEM_cert_to_DER_cert(kept.authority)

    def pairing_url(self) -> str:
        hosts = self._hosts()
        if hosts:
            return f"{self._base(hosts[0])}/pair/"
        return f"{self._loopback}/pair/" if self._loopback else ""
