"""Play an internet outage from start to finish: HQ, an internet that can be cut, a register and its devices, all real
processes and sockets on this machine. Ends with 0 only if each step was observed."""

import argparse
import asyncio
import contextlib
import json
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import new_key
from tillkeeper.cli.internet import Internet

START_S = 30.0
STEP_S = 15.0
"""How long a step may take before it counts as not observed."""
POLL_S = 0.1
STORE, REGISTER = "store-1", "front"
ORDER = {
    "order_type": "takeout",
    "name": "Zoë",
    "lines": [
        {"item_id": "cheeseburger", "quantity": 2, "modifiers": [{"modifier_id": "no-onion"}]},
        {"item_id": "caesar-salad"},
        {"item_id": "cola"},
    ],
    "tenders": [{"tender": "cash", "tendered_minor": 10_000}],
}


class NotObserved(Exception):
    """What the demonstration promises did not happen."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("build/demo"), metavar="DIR", help="made anew (build/demo)")


def run(args: argparse.Namespace) -> int:
    data: Path = args.data
    if data.exists() and not (data / MARKER).exists():
        raise exits.UsageError(f"{data} exists and is not of an earlier demonstration: name another folder")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    (data / MARKER).touch()
    try:
        asyncio.run(_play(data))
    except NotObserved as error:
        output.say(f"\nNOT OBSERVED: {error}")
        return exits.VERIFICATION
    output.say("\nEach step was observed.")
    return exits.OK


MARKER = "made-by-tillkeeper-demo"


async def _play(data: Path) -> None:
    import httpx

    token = secrets.token_urlsafe(24)
    token_file = data / "hq-token"
    token_file.write_text(token + "\n", "ascii")
    async with contextlib.AsyncExitStack() as stack:
        _say("HQ starts, a register with its printers, display and drawer starts, and the internet between them is up")
        hq_url = await stack.enter_async_context(_hq(data, token))
        hq_host, hq_port = hq_url.removeprefix("http://").split(":")
        internet = await stack.enter_async_context(Internet((hq_host, int(hq_port))))
        where = await stack.enter_async_context(_register(data, internet.address, token_file))
        till = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=where["socket"]), base_url="http://till", timeout=STEP_S)
        )
        hq = await stack.enter_async_context(
            httpx.AsyncClient(base_url=hq_url, headers={"Authorization": f"Bearer {token}"}, timeout=STEP_S, trust_env=False)
        )
        await _Outage(data, till, hq, internet).play()


class _Outage:
    def __init__(self, data: Path, till: Any, hq: Any, internet: Internet) -> None:
        self.data = data
        self.till = till
        self.hq = hq
        self.internet = internet

    async def play(self) -> None:
        await self._until("the register is online", lambda status: status["mode"] == "online")
        await self.internet.cut()
        _say("the internet is CUT")
        status = await self._until("the register knows that it is offline", lambda status: status["mode"] == "offline")
        output.say(f"    dot: {status['dot']['colour']}, {status['dot']['words']}")
        answer = await self._post("/v1/orders", ORDER)
        code, check_id = answer["ticket_code"], answer["check_id"]
        _seen(f"a cash order was accepted: {code}, change {answer['change_minor'] / 100:.2f}, long id {check_id}")
        await self._documents(answer["jobs"])
        self._drawer()
        await self._card_refused()
        listed = await self._get("/v1/checks")
        unsynced = [row["check_id"] for row in listed["checks"] if not row["synced"]]
        _require(check_id in unsynced, "the check is marked not synced")
        waiting = (await self._get("/v1/status"))["only_here_words"]
        _seen(f"the list of checks marks {code} as not synced; {waiting}")
        await self.internet.restore()
        _say("the internet is BACK")
        await self._until("the register is online again", lambda status: status["mode"] == "online")
        await self._synced(check_id)
        await self._books()

    async def _documents(self, jobs: list[dict[str, str]]) -> None:
        """Every document of the order is on paper or on the screen, confirmed by the device itself."""
        for job in jobs:

            async def settled(job_id: str = job["job_id"]) -> dict[str, Any] | None:
                view = await self._get(f"/v1/jobs/{job_id}")
                return view if view["state"] in ("confirmed", "failed", "held", "unconfirmed", "expired") else None

            view = await _wait(f"{job['document_class']} on {job['device']} is settled", settled)
            what = f"{job['document_class']} on {job['device']}"
            _require(view["state"] == "confirmed", f"{what} is confirmed, not {view['state']}")
            _seen(f"{what}: confirmed by {view['evidence']}")
        paper = self.data / "paper"
        slips = sorted(paper.glob("*/slip-*.txt"))
        _require({slip.parent.name for slip in slips} >= {"receipt", "grill", "bar"}, "receipt, grill and bar printed a slip")
        for slip in slips:
            output.say(f"\n--- {slip.parent.name} ({slip.with_suffix('.png')})\n{slip.read_text('utf-8')}")
        shown = (paper / "kitchen" / "shown.jsonl").read_text("utf-8")
        _require("CAESAR" in shown, "the kitchen display shows the salad")
        board = paper / "kitchen" / "board.txt"
        await _wait("the kitchen display shows its board", _exists(board))
        output.say(f"--- kitchen display ({board.with_suffix('.png')})\n{board.read_text('utf-8')}")
        for picture in (*(slip.with_suffix(".png") for slip in slips), board.with_suffix(".png")):
            await _wait(f"the picture {picture.name}", _exists(picture))

    def _drawer(self) -> None:
        log = self.data / "paper" / "receipt" / "drawer.log"
        events = [json.loads(line)["kind"] for line in log.read_text("utf-8").splitlines()] if log.exists() else []
        _require(events.count("opened") == 1, f"the drawer opened once: {events}")
        _seen("the drawer opened, once")

    async def _card_refused(self) -> None:
        order = {**ORDER, "tenders": [{"tender": "card"}]}
        answer = await self.till.post("/v1/orders", json=order, headers={"Idempotency-Key": new_key()})
        _require(answer.status_code == 422, f"a card is refused, not answered with {answer.status_code}")
        problem = answer.json()
        _require(problem["type"].endswith(":tender_needs_uplink"), f"the refusal says why: {problem['type']}")
        _require("cash" in problem["allowed"], "the refusal says what is allowed instead")
        _seen(f"a card is refused: {problem['cause']}; allowed: {', '.join(problem['allowed'])}")

    async def _synced(self, check_id: str) -> None:
        async def numbered() -> dict[str, Any] | None:
            check = await self._get(f"/v1/checks/{check_id}")
            return check if check["synced"] and check["number"] else None

        check = await _wait("HQ holds the check and gave it a number", numbered)
        at_hq = await self._get(f"/v1/checks/{check_id}?store={STORE}", self.hq)
        _require(at_hq["number"] == check["number"], "HQ and the register agree on the check's number")
        _seen(f"{check['ticket_code']} is at HQ: check number {check['number']}")

    async def _books(self) -> None:
        async def equal() -> bool | None:
            own = await self._get("/v1/books")
            theirs = (await self._get(f"/v1/books?store={STORE}&day={own['business_day']}", self.hq))["days"]
            same = bool(theirs) and (theirs[0]["books"]["gross_minor"], theirs[0]["books"]["sales"]) == (
                own["gross_minor"],
                own["checks_closed"],
            )
            return (own["gross_minor"] > 0 and same) or None

        await _wait("the books at HQ equal the register's", equal)
        _seen("the books at HQ and at the register are equal to the cent")

    async def _until(self, what: str, condition: Callable[[dict[str, Any]], bool]) -> Any:
        async def holds() -> dict[str, Any] | None:
            status = await self._get("/v1/status")
            return status if condition(status) else None

        status = await _wait(what, holds)
        _seen(what)
        return status

    async def _get(self, path: str, client: Any = None) -> Any:
        answer = await (client or self.till).get(path)
        _require(answer.status_code == 200, f"GET {path} is answered with {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self.till.post(path, json=body, headers={"Idempotency-Key": new_key()})
        _require(answer.is_success, f"POST {path} is answered with {answer.status_code}: {answer.text[:300]}")
        return answer.json()


async def _wait(what: str, look: Callable[[], Awaitable[Any]], deadline_s: float = STEP_S) -> Any:
    """What `look` finds as soon as it finds something. Raises `NotObserved` at the deadline."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline_s):
            while (found := await look()) is None:  # noqa: ASYNC110 - what is looked at is another process
                await asyncio.sleep(POLL_S)
            return found
    raise NotObserved(f"{what}, within {deadline_s:.0f} s")


def _exists(path: Path) -> Callable[[], Awaitable[bool | None]]:
    async def look() -> bool | None:
        return _there(path)

    return look


def _there(path: Path) -> bool | None:
    return path.exists() or None


def _addresses(ready: Path) -> Any:
    return json.loads(ready.read_text("utf-8"))


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise NotObserved(what)


def _say(text: str) -> None:
    output.say(f"\n=== {text}")


def _seen(text: str) -> None:
    output.say(f"  ok  {text}")


# --- processes ---


@contextlib.asynccontextmanager
async def _hq(data: Path, token: str) -> AsyncIterator[str]:
    credentials = data / "hq-credentials.toml"
    credentials.write_text(f'[[registers]]\nstore = "{STORE}"\nregister = "{REGISTER}"\ntoken = "{token}"\n', "ascii")
    ready = data / "hq-ready.json"
    command = ["tillkeeper_hq", "run", "--data", str(data / "hq"), "--listen", "127.0.0.1:0"]
    async with _process(*command, "--credentials", str(credentials), "--ready-file", str(ready), ready=ready) as where:
        yield where["url"]


@contextlib.asynccontextmanager
async def _register(data: Path, hq: tuple[str, int], token_file: Path) -> AsyncIterator[dict[str, Any]]:
    ready = data / "register-ready.json"
    command = ["tillkeeper", "run", "--embedded", "--data", str(data), "--ready-file", str(ready)]
    command += ["--hq-url", f"http://{hq[0]}:{hq[1]}", "--hq-token-file", str(token_file)]
    async with _process(*command, ready=ready) as where:
        yield where


@contextlib.asynccontextmanager
async def _process(module: str, *arguments: str, ready: Path) -> AsyncIterator[dict[str, Any]]:
    """A process of our own, up to the moment when it has written its addresses; ended with us."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.DEVNULL
    )
    try:

        async def is_ready() -> bool | None:
            _require(process.returncode is None, f"{module} runs (it ended with {process.returncode})")
            return _there(ready)

        await _wait(f"{module} is ready", is_ready, START_S)
        yield _addresses(ready)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STEP_S)
            except TimeoutError:
                process.kill()
                await process.wait()
