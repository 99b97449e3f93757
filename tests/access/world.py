"""A register and a tablet on two ends of a cable: the agent in one network namespace, the browser in the other, and the store's
certificate installed in the browser as a person would (in its NSS database, by certutil)."""

import contextlib
import os
import secrets
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from tests.network.wires import End, cable
from tests.support.browser import WHOLE, Chromium
from tests.support.prerequisites import need
from tests.support.store import REGISTER, STORE, StoreRig

from tillkeeper.access.certify import make
from tillkeeper.access.wanted import Order, Wanted
from tillkeeper.people.roster import SECRET_FILE
from tillkeeper.token_files import load_or_create_token

PORT = 8443


class Lan:
    """`register` and `tablet` are the two ends; `rig` the register's store. `url`: where devices reach it."""

    def __init__(self, register: End, tablet: End, rig: StoreRig, *, secure: bool) -> None:
        self.register, self.tablet, self.rig, self.secure = register, tablet, rig, secure
        self.url = f"{'https' if secure else 'http'}://{register.ipv4}:{PORT}"

    async def ready(self) -> dict[str, Any]:
        """What is said of the way by the network, once it works."""

        async def there() -> Any:
            lan = (await self.rig.get("/v1/pairings"))["lan"]
            return lan if not lan["trouble"] else None

        found: dict[str, Any] = await self.rig.wait_for("devices reach the register", there)
        return found

    async def authority(self) -> str:
        """The certificate that devices install (PEM)."""
        answer = await self.rig.till.get("/v1/authority.crt")
        assert answer.is_success, answer.text
        return ssl.DER_cert_to_PEM_cert(answer.content)

    @contextlib.asynccontextmanager
    async def device(self, token: str = "", **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A client at the tablet's end that trusts the store's certificate and nothing else."""
        verify: Any = True
        if self.secure:
            verify = ssl.create_default_context(cadata=await self.authority())
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with self.tablet.inside():
            async with httpx.AsyncClient(
                base_url=self.url, verify=verify, headers=headers, trust_env=False, timeout=30.0, **options
            ) as client:
                yield client

    async def open_code(self, scope: str, name: str, **more: Any) -> dict[str, Any]:
        opened: dict[str, Any] = await self.rig.ok("POST", "/v1/pairings", {"scope": scope, "name": name, "by": "ana", **more})
        return opened

    async def paired(self, scope: str, name: str, **more: Any) -> str:
        """The token of a device that has just been paired."""
        opened, token = await self.open_code(scope, name, **more), secrets.token_urlsafe(32)
        async with self.device() as tablet:
            answer = await tablet.post("/v1/pair", json={"code": opened["code"], "token": token})
        assert answer.is_success, answer.text
        return token


@contextlib.asynccontextmanager
async def lan(
    folder: Path,
    *,
    ends: tuple[End, End] | None = None,
    changes: Mapping[str, Any] | None = None,
    insecure: bool = False,
    **options: Any,
) -> AsyncIterator[Lan]:
    """A store whose register devices reach at 10.7.0.1. `ends`: of a cable that is there already."""
    with contextlib.nullcontext(ends) if ends else cable() as (register, tablet), register.inside():
        section = {"listen": f"{register.ipv4}:{PORT}", "insecure_http": insecure}
        laid = {"lan": section, "network": {"watch": False}, **(changes or {})}  # a [lan] of the test goes before
        async with StoreRig(folder, changes=laid, hq=False, **options) as rig:
            found = Lan(register, tablet, rig, secure=not insecure)
            await found.ready()
            yield found


def certificate_of(folder: Path) -> str:
    """The certificate (PEM) of the store that will be in this folder: it follows from the store's secret, made here."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    wanted = Wanted(store=STORE, register=REGISTER, secret_id="", addresses=("10.7.0.1",), names=())
    return make(Order(store_secret=load_or_create_token(data / SECRET_FILE), wanted=wanted, begins_ms=0, ends_ms=0)).authority


def trust(home: Path, certificate: str) -> None:
    """Install a certificate in the browsers of this home folder, as the page /pair/ says for Linux."""
    need("certutil")
    database = home / ".pki/nssdb"
    database.mkdir(parents=True, exist_ok=True)
    file = home / "authority.crt"
    file.write_text(certificate, "ascii")
    for command in (
        ["certutil", "-N", "-d", f"sql:{database}", "--empty-password"],
        ["certutil", "-A", "-d", f"sql:{database}", "-t", "C,,", "-n", "tillkeeper", "-i", str(file)],
    ):
        subprocess.run(command, check=True, capture_output=True)


@contextlib.contextmanager
def browser_of(home: Path, end: End) -> Iterator[Chromium]:
    """A whole Chromium in a namespace, with a home folder of its own. Its loop is the caller's to use: `browser.run`."""
    before = os.environ.get("HOME")
    os.environ["HOME"] = str(home)
    try:
        with end.inside():
            browser = Chromium(WHOLE)
            browser.__enter__()
    finally:
        if before is None:
            os.environ.pop("HOME", None)
        else:
            os.environ["HOME"] = before
    try:
        yield browser
    finally:
        browser.__exit__(None, None, None)
        shutil.rmtree(home, ignore_errors=True)


def cli(rig: StoreRig, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`tillkeeper ...` at the rig's register."""
    environment = os.environ | {"TILLKEEPER_SOCKET": str(rig.socket)}
    command = [sys.executable, "-m", "tillkeeper", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
