"""What somebody on the store's network tries: another machine at the other end of a cable, against a real agent."""

import asyncio
import contextlib
import secrets
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.access.world import PORT, Lan, lan
from tests.network.wires import cable
from tests.support.store import StoreRig
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tillkeeper.access.code import NOTED, new_code

pytestmark = pytest.mark.root


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).rpartition(":")[2]


def play(folder: Path, scene: object, **options: object) -> None:
    async def run() -> None:
        async with lan(folder, screens=False, **options) as found:  # type: ignore[arg-type]
            await scene(found)  # type: ignore[operator]

    asyncio.run(run())


def test_no_token_of_a_file_opens_anything_on_the_network(tmp_path: Path) -> None:
    async def scene(found: Lan) -> None:
        page = (found.rig.data / "page-token").read_text().strip()
        for token in ("", "x" * 43, found.rig.api_token, page):
            async with found.device(token) as device:
                assert code_of(await device.get("/v1/status")) == (401, "unauthorized")
                assert code_of(await device.post("/v1/orders", json={})) == (401, "unauthorized")
        good = await found.paired("kitchen", "grill")
        async with found.device() as device:
            for url in (f"/v1/status?token={good}", f"/v1/status?access_token={good}", f"/v1/status?bearer={good}"):
                assert code_of(await device.get(url)) == (401, "unauthorized")
            assert (await device.get("/v1/health")).status_code == 200
        # A paired device is good on the register's own port too; what it may is the same.
        own = {"authorization": f"Bearer {good}"}
        async with httpx.AsyncClient(base_url=found.rig.origin, headers=own, trust_env=False) as here:
            assert (await here.get("/v1/status")).status_code == 200
            assert code_of(await here.get("/v1/checks")) == (403, "scope_refused")

    play(tmp_path, scene)


def test_a_rebound_name_and_a_foreign_page_get_nothing_even_with_a_token(tmp_path: Path) -> None:
    async def scene(found: Lan) -> None:
        here = f"{found.register.ipv4}:{PORT}"
        async with found.device(await found.paired("manager", "phone")) as device:
            for host in ("evil.example", f"evil.example:{PORT}", found.register.ipv4, f"127.0.0.1:{PORT}", f"10.7.0.2:{PORT}",
                         f"localhost:{PORT}", f"front.evil.example:{PORT}", f"{here}.evil.example"):  # fmt: skip
                for path in ("/v1/status", "/sw.js", "/v1/authority.crt"):
                    answer = await patient(device, "GET", path, headers={"host": host})
                    assert code_of(answer) == (403, "host_refused"), (host, path)
            assert (await device.get("/v1/status", headers={"host": f"front.lan:{PORT}"})).status_code == 200
            for origin in ("null", "", f"http://{here}", "https://evil.example", f"https://{here}.evil.example",
                           f"https://{found.register.ipv4}", "file://"):  # fmt: skip
                answer = await patient(device, "GET", "/v1/status", headers={"origin": origin})
                assert code_of(answer) == (403, "origin_refused"), origin
                assert "access-control-allow-origin" not in answer.headers
            assert (await device.get("/v1/status", headers={"origin": found.url})).status_code == 200
        page = {"origin": "https://evil.example", "content-type": "text/plain"}
        opened = await found.open_code("manager", "thief")
        async with found.device() as device:
            body = f'{{"code": "{opened["code"]}", "token": "{secrets.token_urlsafe(32)}"}}'
            answer = await patient(device, "POST", "/v1/pair", content=body, headers=page)
            assert code_of(answer) == (403, "origin_refused")

    play(tmp_path, scene, changes={"lan": {"listen": f"10.7.0.1:{PORT}", "names": ["front.lan"]}})


def test_nobody_reads_along_or_talks_it_down(tmp_path: Path) -> None:
    """No plain HTTP where HTTPS is spoken, no TLS before 1.2, no session that a stranger's certificate passes for."""

    async def scene(found: Lan) -> None:
        place = (found.register.ipv4, PORT)
        with found.tablet.inside():
            plain = socket.create_connection(place, timeout=30)
        with contextlib.closing(plain):
            plain.sendall(f"GET /v1/health HTTP/1.1\r\nHost: {place[0]}:{PORT}\r\n\r\n".encode())
            heard = b""
            with contextlib.suppress(ConnectionResetError):
                while part := await asyncio.to_thread(plain.recv, 4096):
                    heard += part
        assert b"HTTP" not in heard
        trusting = ssl.create_default_context(cadata=await found.authority())
        for version in (0x0301, 0x0302):  # TLS 1.0 and 1.1, by their numbers on the wire
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.minimum_version = old.maximum_version = ssl.TLSVersion(version)
            old.set_ciphers("ALL:@SECLEVEL=0")
            with pytest.raises(OSError, match=r"(?i)version|handshake|reset|closed|EOF"):
                await _shake(found, old)
        await _shake(found, trusting)
        with pytest.raises(ssl.SSLCertVerificationError):
            await _shake(found, ssl.create_default_context())

    play(tmp_path, scene)


async def _shake(found: Lan, context: ssl.SSLContext) -> None:
    def shake() -> None:
        with found.tablet.inside(), socket.create_connection((found.register.ipv4, PORT), timeout=30) as raw:
            context.wrap_socket(raw, server_hostname=found.register.ipv4).close()

    await asyncio.to_thread(shake)


def test_who_guesses_at_a_code_is_slowed_down_and_named_and_voids_it_for_nobody(tmp_path: Path) -> None:
    async def scene(found: Lan) -> None:
        opened = await found.open_code("manager", "phone")

        def guess() -> dict[str, str]:
            return {"code": new_code(), "token": secrets.token_urlsafe(32)}

        async with found.device() as device:
            answers = [code_of(await device.post("/v1/pair", json=guess())) for _ in range(12)]
            assert answers == [(403, "wrong_code")] * 10 + [(429, "too_often")] * 2
        for _ in range(5):
            assert code_of(await _say(found.rig.till, guess())) == (403, "wrong_code")
        assert (await found.rig.get("/v1/pairings"))["open"]["refused"] == 15
        right = {"code": opened["code"], "token": secrets.token_urlsafe(32)}
        assert (await _say(found.rig.till, right)).status_code == 200
        for _ in range(3):
            assert code_of(await _say(found.rig.till, guess())) == (403, "wrong_code")
        refusals = _journaled(found.rig, "pairing_refused")
        assert len(refusals) == NOTED, "anybody could fill the disk"
        assert all(f'"address":"{found.tablet.ipv4}"' in one for one in refusals)
        assert not any(opened["code"] in one for one in _journaled(found.rig, "%"))

    play(tmp_path, scene)


async def patient(device: httpx.AsyncClient, method: str, path: str, **parts: Any) -> httpx.Response:
    """The answer, in the register's own time where this is too often."""
    while True:
        answer = await device.request(method, path, **parts)
        if answer.status_code != 429:
            return answer
        await asyncio.sleep(float(answer.headers["retry-after"]))


async def _say(device: httpx.AsyncClient, body: dict[str, str]) -> httpx.Response:
    return await patient(device, "POST", "/v1/pair", json=body)


def _journaled(rig: StoreRig, kind: str) -> list[str]:
    import sqlite3

    with contextlib.closing(sqlite3.connect(f"file:{rig.data / 'journal.db'}?mode=ro", uri=True)) as journal:
        return [str(body) for (body,) in journal.execute("SELECT CAST(body AS TEXT) FROM events WHERE type LIKE ?", (kind,))]


def test_a_code_is_used_once_and_an_answer_that_was_lost_is_given_again(tmp_path: Path) -> None:
    async def scene(found: Lan) -> None:
        opened = await found.open_code("kitchen", "grill")
        first, second = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        async with found.device() as device:
            taken = await _say(device, {"code": opened["code"], "token": first})
            assert taken.status_code == 200, taken.text
            assert (await _say(device, {"code": opened["code"], "token": first})).json() == taken.json()
            assert code_of(await _say(device, {"code": opened["code"], "token": second})) == (403, "code_used")
        async with found.device(second) as thief:
            assert code_of(await thief.get("/v1/status")) == (401, "unauthorized")
        assert len((await found.rig.get("/v1/pairings"))["devices"]) == 1
        paired = _journaled(found.rig, "device_paired")
        assert len(paired) == 1
        assert '"by":"ana"' in paired[0]
        assert first not in paired[0]

    play(tmp_path, scene)


def test_a_restart_ends_a_code_and_no_device(tmp_path: Path) -> None:
    async def scene(found: Lan) -> None:
        token = await found.paired("kitchen", "grill")
        opened = await found.open_code("kitchen", "bar")
        await found.rig.kill_agent()
        await found.rig.start_agent()
        await found.ready()
        async with found.device(token) as device:
            assert (await device.get("/v1/status")).status_code == 200
            body = {"code": opened["code"], "token": secrets.token_urlsafe(32)}
            assert code_of(await _say(device, body)) == (403, "no_code_open")

    play(tmp_path, scene)


def test_a_device_that_is_ended_is_out_at_once_and_stays_out(tmp_path: Path) -> None:
    async def scene(found: Lan) -> None:
        token = await found.paired("kitchen", "grill")
        context = ssl.create_default_context(cadata=await found.authority())
        offered = ["tillkeeper.v1", f"bearer.{token}"]
        live, kitchen = (found.url.replace("https", "wss") + path for path in ("/v1/live", "/v1/kitchen/kitchen"))
        async with found.device(token) as device:
            assert (await device.get("/v1/status")).status_code == 200
            with found.tablet.inside():
                first = await connect(live, ssl=context, subprotocols=offered, proxy=None)  # type: ignore[arg-type]
                second = await connect(kitchen, ssl=context, subprotocols=offered, proxy=None)  # type: ignore[arg-type]
            await second.send('{"type": "hello", "epoch": "", "last_seq": 0}')
            listed = (await found.rig.get("/v1/pairings"))["devices"]
            assert [(one["name"], one["connected"]) for one in listed] == [("grill", 2)]
            path = f"/v1/pairings/{listed[0]['device_id']}/end"
            await found.rig.ok("POST", path, {"by": "ana"})
            for connection in (first, second):
                assert await _end_of(connection) == 4401
            assert code_of(await device.get("/v1/status")) == (401, "unauthorized")  # on the connection that was open
        await found.rig.ok("POST", path, {"by": "ana"})  # said again: nothing new
        await found.rig.kill_agent()
        await found.rig.start_agent()
        await found.ready()
        async with found.device(token) as device:
            assert code_of(await device.get("/v1/status")) == (401, "unauthorized")
        ended = _journaled(found.rig, "device_unpaired")
        assert len(ended) == 1
        assert '"by":"ana"' in ended[0]

    play(tmp_path, scene)


async def _end_of(connection: ClientConnection) -> int | None:
    """Its close code, once it has ended."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(connection.recv(), 60)
    return connection.close_code


def test_one_name_is_one_device(tmp_path: Path) -> None:
    async def scene(found: Lan) -> None:
        old = await found.paired("kitchen", "grill")
        taken = await found.rig.post("/v1/pairings", {"scope": "register", "name": "Grill"})
        assert code_of(taken) == (422, "name_taken")
        new = await found.paired("kitchen", "grill", replace=True)
        async with found.device(old) as device:
            assert code_of(await device.get("/v1/status")) == (401, "unauthorized")
        async with found.device(new) as device:
            assert (await device.get("/v1/status")).status_code == 200
        assert len((await found.rig.get("/v1/pairings"))["devices"]) == 1

    play(tmp_path, scene)


def test_connections_that_say_nothing_keep_no_other_device_out(tmp_path: Path) -> None:
    async def scene(found: Lan) -> None:
        token = await found.paired("kitchen", "grill")
        for address in ("10.7.0.3", "10.7.0.4", "10.7.0.5"):
            found.tablet.ip("address", "add", f"{address}/24", "dev", "lan0")
        silent = []
        try:
            with found.tablet.inside():
                for number in range(200):  # an address costs nobody anything
                    one = socket.socket()
                    one.bind((f"10.7.0.{4 + number % 2}", 0))
                    one.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        one.connect((found.register.ipv4, PORT))
                    silent.append(one)
            context = ssl.create_default_context(cadata=await found.authority())
            transport = httpx.AsyncHTTPTransport(verify=context, local_address="10.7.0.3", retries=2)
            with found.tablet.inside():
                headers = {"authorization": f"Bearer {token}"}
                async with httpx.AsyncClient(
                    base_url=found.url, transport=transport, headers=headers, timeout=60, trust_env=False
                ) as device:
                    assert (await device.get("/v1/status")).status_code == 200
            assert (await found.rig.get("/v1/status"))["store"]
        finally:
            for one in silent:
                one.close()

    play(tmp_path, scene)


def test_nothing_listens_on_the_network_that_the_configuration_does_not_name(tmp_path: Path) -> None:
    async def scene() -> None:
        with cable() as (register, tablet), register.inside():
            async with StoreRig(tmp_path, hq=False, changes={"network": {"watch": False}}) as rig:
                listening = await asyncio.to_thread(subprocess.check_output, ["ss", "-H", "-tuln"], text=True)
                for line in listening.splitlines():
                    assert "127.0.0.1:" in line, listening
                told = await rig.get("/v1/pairings")
                assert told["lan"]["urls"] == []
                with tablet.inside(), pytest.raises(ConnectionRefusedError):
                    socket.create_connection((register.ipv4, rig.api_port), timeout=30)

    asyncio.run(scene())


def test_another_address_gets_a_certificate_by_itself_and_devices_see_nothing_of_it(tmp_path: Path) -> None:
    async def scene(found: Lan) -> None:
        before = await found.ready()
        found.register.ip("address", "add", "10.7.0.9/24", "dev", "lan0")
        found.url = f"https://10.7.0.9:{PORT}"

        async def served() -> bool:
            async with found.device() as device:
                try:
                    return (await device.get("/v1/health")).status_code == 200
                except httpx.ConnectError:
                    return False

        await found.rig.wait_for("a certificate for the new address", served)
        after = await found.ready()
        assert after["fingerprint"] == before["fingerprint"]
        assert f"https://10.7.0.9:{PORT}" in after["urls"]

    play(tmp_path, scene, changes={"lan": {"listen": f"0.0.0.0:{PORT}"}})


def test_a_register_that_is_there_before_its_network_is_reached_once_it_has_it(tmp_path: Path) -> None:
    async def scene() -> None:
        with cable() as (register, tablet), register.inside():
            section = {"listen": f"10.7.0.77:{PORT}"}
            async with StoreRig(tmp_path, hq=False, changes={"lan": section, "network": {"watch": False}}) as rig:
                found = Lan(register, tablet, rig, secure=True)
                found.url = f"https://10.7.0.77:{PORT}"
                await rig.order("cola")  # it sells meanwhile

                async def said() -> bool:
                    advice = (await rig.get("/v1/status"))["advisories"]
                    return any(one["code"] == "lan" and "can not be listened on" in one["text"] for one in advice)

                await rig.wait_for("it says why no tablet reaches it", said)
                register.ip("address", "add", "10.7.0.77/24", "dev", "lan0")
                await found.ready()
                async with found.device() as device:
                    assert (await device.get("/v1/health")).status_code == 200

    asyncio.run(scene())


def test_without_https_it_says_so_wherever_somebody_looks(tmp_path: Path) -> None:
    async def scene(found: Lan) -> None:
        advice = (await found.rig.get("/v1/status"))["advisories"]
        assert [one["text"] for one in advice if one["code"] == "lan"] == [
            "Tablets reach this register without HTTPS: anybody on the network can listen, and their pages do not survive a "
            "reload while the register is away."
        ]
        opened = await found.open_code("kitchen", "grill")
        assert opened["url"].startswith(f"http://{found.register.ipv4}:{PORT}/pair/#code=")
        assert opened["secure"] is False
        token = await found.paired("kitchen", "bar")
        async with found.device(token) as device:
            assert (await device.get("/v1/status")).status_code == 200
            assert code_of(await device.get("/v1/status", headers={"origin": f"https://10.7.0.1:{PORT}"}))[0] == 403

    play(tmp_path, scene, insecure=True)
