"""A payment gateway that is not one: it speaks `docs/gateway-protocol.md`, keeps a ledger that can be read, and misbehaves.

What it books it books for good: an answer that is lost afterwards leaves the money moved, as with a real one. Each request
meets one fault at most: the next of those that were ordered (`{"next": [...]}`), else one by chance, with the seed.

Control requests (see `control.py`), several keys in one are done in this order:

    {"next": ["lost_after", "decline"]}   faults of the next requests, in order; "none" is a request without one
    {"on": "put"}             the ordered ones meet only such requests (put, get, reverse); {"on": "any"}
    {"faults": {"decline": 0.1, "lost_after": 0.05}}   by chance, each a part of 1; {} ends them
    {"delay_s": 2.0}          before a request is done; meanwhile it is pending
    {"power": "off"|"on"}     off: nobody listens
    {"ledger": true}          adds all entries to the answer
    {"state": true}           adds sums and counts
"""

import asyncio
import contextlib
import json
import random
from collections import deque
from pathlib import Path
from typing import Any, Literal, Self, get_args

import msgspec

from tillkeeper_drivers.httpd import Answer, Asked, serving
from tillkeeper_drivers.simulator.control import BadRequest, take
from tillkeeper_drivers.simulator.door import Door

Fault = Literal[
    "none", "decline", "lost_before", "lost_after", "error_before", "error_after", "garbage_after", "half_after", "partial",
    "busy", "twice",
]  # fmt: skip
FAULTS: tuple[Fault, ...] = get_args(Fault)
State = Literal["pending", "approved", "declined", "reversed", "never_made"]
MAX_ENTRIES, MAX_ORDERED = 1_000_000, 10_000
_PATH = "/v1/authorisations/"
_PROBLEM = "application/problem+json"


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One authorisation, in the order of their coming. `moved_minor`: what it took of the guest (negative: gave), all in all.
    `bookings`: how often money moved for it; more than one of its own and one back is this gateway's own mistake."""

    authorisation_id: str
    state: State
    asked: dict[str, Any] = {}
    amount_minor: int = 0
    situation: str = ""
    reference: str = ""
    label: str = ""
    reason: str = ""
    moved_minor: int = 0
    bookings: int = 0
    puts: int = 0
    reversals: int = 0


class VirtualGateway:
    """On `port` of `host` while entered; 0 takes a free one, and keeps it over `power`.

    Args:
        token: wanted as a bearer; empty: anybody may ask.
        ledger: a file that gets a JSON line for each change, flushed at once.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        name: str = "gateway",
        token: str = "",
        seed: int = 0,
        ledger: Path | None = None,
    ) -> None:
        self.name, self.host, self.port = name, host, port
        self.entries: dict[str, Entry] = {}
        self.requests: list[str] = []
        """Method and id of each that came, oldest first."""
        self.delay_s = 0.0
        self.labels: tuple[str, str] | None = None
        """What it says of every card: label and reference, whatever they should be; None: what is proper."""
        self._token, self._chance = token, random.Random(seed)  # noqa: S311 - chance, no secret
        self._ordered: deque[Fault] = deque(maxlen=MAX_ORDERED)
        self._on = "any"
        self._faults: dict[Fault, float] = {}
        self._file = ledger
        self._power = contextlib.AsyncExitStack()
        self._door = Door()
        self._free = asyncio.Event()
        self._free.set()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def kept_minor(self) -> int:
        """What it has taken of guests and not given back."""
        return sum(entry.moved_minor for entry in self.entries.values())

    async def __aenter__(self) -> Self:
        try:
            await self.power_on()
        except OSError:
            self._door.let_go()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.power_off()
        self._door.let_go()

    async def power_on(self) -> None:
        await self.power_off()
        self.port = self._door.hold(self.host, self.port)
        await self._power.enter_async_context(serving(self.host, self.port, self._handle, max_body=16_384, most=64))

    async def power_off(self) -> None:
        await self._power.aclose()
        for entry in self.entries.values():
            if entry.state == "pending":  # whoever waited at the terminal is gone
                self._set(entry, "declined", "the terminal was switched off")

    def order(self, *faults: Fault, on: str = "any") -> None:
        """The next requests meet these."""
        self._ordered.extend(faults)
        self._on = on

    def forget_orders(self) -> None:
        """All is well from now on."""
        self._ordered.clear()

    def by_chance(self, **parts: float) -> None:
        self._faults = {fault: parts[fault] for fault in FAULTS if fault in parts}

    def hold(self) -> None:
        """Requests wait, pending, until `go_on`."""
        self._free.clear()

    def go_on(self) -> None:
        self._free.set()

    # --- HTTP ---

    async def _handle(self, asked: Asked) -> Answer:
        if not asked.path.startswith(_PATH) or (self._token and not _bearer(asked, self._token)):
            status = 401 if asked.path.startswith(_PATH) else 404
            return _problem(status, "refused", "not with these credentials" if status == 401 else "no such address")
        authorisation_id, _, act = asked.path[len(_PATH) :].partition("/")
        kind = {("PUT", ""): "put", ("GET", ""): "get", ("POST", "reverse"): "reverse"}.get((asked.method, act))
        if kind is None or not authorisation_id:
            return _problem(404, "unknown_address", "no such address")
        self.requests.append(f"{kind} {authorisation_id}")
        fault = self._fault(kind)
        if fault == "lost_before":
            raise ConnectionError("on purpose")
        if fault == "error_before":
            return Answer(500, b"<html>Bad gateway</html>")
        if fault == "busy":
            return _problem(503, "busy", "try again")
        answer = await self._do(kind, authorisation_id, asked, fault)
        if fault == "twice":  # as by a proxy that repeats
            answer = await self._do(kind, authorisation_id, asked, "none")
        if fault == "lost_after":
            raise ConnectionError("on purpose")
        if fault == "error_after":
            return Answer(502, b"<html>Bad gateway</html>")
        if fault == "garbage_after":
            return Answer(200, self._chance.randbytes(200))
        if fault == "half_after":
            return Answer(200, answer.body[: len(answer.body) // 2])
        return answer

    def _fault(self, kind: str) -> Fault:
        if self._ordered and self._on in ("any", kind):
            return self._ordered.popleft()
        drawn = self._chance.random()
        for fault, part in self._faults.items():
            if (drawn := drawn - part) < 0:
                return fault
        return "none"

    async def _do(self, kind: str, authorisation_id: str, asked: Asked, fault: Fault) -> Answer:
        entry = self.entries.get(authorisation_id)
        if kind == "get":
            return _answer(entry) if entry else _problem(404, "unknown_authorisation", "never heard of it")
        if kind == "reverse":
            return await self._reverse(authorisation_id, entry)
        try:
            body = json.loads(asked.body)
            amount = int(body["amount_minor"])
            if amount <= 0 or body["authorisation_id"] != authorisation_id or body["situation"] not in ("payment", "refund"):
                raise ValueError("not an authorisation")
        except (ValueError, KeyError, TypeError) as error:
            return _problem(400, "bad_request", str(error)[:100])
        if entry is None:
            return await self._authorise(authorisation_id, body, amount, fault)
        entry.puts += 1
        if entry.asked and entry.asked != body:
            return _problem(409, "other_content", "this id was used for something else")
        return _answer(entry)

    async def _authorise(self, authorisation_id: str, body: dict[str, Any], amount: int, fault: Fault) -> Answer:
        if len(self.entries) >= MAX_ENTRIES:
            return _problem(503, "full", "the ledger is full")
        entry = Entry(
            authorisation_id=authorisation_id,
            state="pending",
            asked=body,
            amount_minor=amount,
            situation=body["situation"],
            puts=1,
        )
        self.entries[authorisation_id] = entry
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        await self._free.wait()
        if entry.state != "pending":
            return _answer(entry)
        if fault == "decline":
            self._set(entry, "declined", "insufficient funds")
            return _answer(entry)
        if fault == "partial":
            entry.amount_minor = max(1, amount // 2)
        number = len(self.entries)
        entry.reference = f"A{number:06d}"
        entry.label = f"{'VISA' if number % 2 else 'Mastercard'} ****{self._chance.randrange(10_000):04d}"
        if self.labels is not None:
            entry.label, entry.reference = self.labels
        entry.moved_minor = entry.amount_minor if entry.situation == "payment" else -entry.amount_minor
        entry.bookings += 1
        self._set(entry, "approved")
        return _answer(entry)

    async def _reverse(self, authorisation_id: str, entry: Entry | None) -> Answer:
        if entry is None:  # so that one which is late finds the door shut
            entry = self.entries[authorisation_id] = Entry(authorisation_id=authorisation_id, state="pending")
        entry.reversals += 1
        if entry.state == "pending":
            self._set(entry, "never_made", "given up before it was made")
        elif entry.state == "declined":
            self._set(entry, "never_made", entry.reason)
        elif entry.state == "approved":
            entry.moved_minor = 0
            entry.bookings += 1
            self._set(entry, "reversed")
        return _answer(entry)

    def _set(self, entry: Entry, state: State, reason: str = "") -> None:
        entry.state, entry.reason = state, reason
        if self._file is not None:
            with self._file.open("ab") as file:
                file.write(msgspec.json.encode(entry) + b"\n")

    # --- from outside ---

    async def command(self, request: dict[str, Any]) -> dict[str, Any]:
        """See the module. Raises `BadRequest`."""
        if (ordered := take(request, "next")) is not None:
            if not isinstance(ordered, list) or any(one not in FAULTS for one in ordered):
                raise BadRequest(f"next: a list of {', '.join(FAULTS)}")
            self._ordered.extend(ordered)
        if (on := take(request, "on", dict.fromkeys(("any", "put", "get", "reverse")))) is not None:
            self._on = on
        if (faults := take(request, "faults")) is not None:
            if not isinstance(faults, dict) or not all(
                one in FAULTS and isinstance(part, int | float) for one, part in faults.items()
            ):
                raise BadRequest(f"faults: parts of 1 of {', '.join(FAULTS)}")
            self.by_chance(**faults)
        if (delay := take(request, "delay_s")) is not None:
            if not isinstance(delay, int | float) or not 0 <= delay <= 600:
                raise BadRequest("delay_s: seconds, 0 to 600")
            self.delay_s = float(delay)
        if (power := take(request, "power", {"on": True, "off": False})) is not None:
            await (self.power_on() if power == "on" else self.power_off())
        answer: dict[str, Any] = {}
        if take(request, "ledger"):
            answer["ledger"] = [msgspec.to_builtins(entry) for entry in self.entries.values()]
        if take(request, "state"):
            states = [entry.state for entry in self.entries.values()]
            answer["state"] = {
                "kept_minor": self.kept_minor,
                "requests": len(self.requests),
                **{state: states.count(state) for state in sorted(set(states))},
            }
        return answer


def _bearer(asked: Asked, token: str) -> bool:
    return asked.authorization == f"Bearer {token}"


def _answer(entry: Entry) -> Answer:
    said = {
        "authorisation_id": entry.authorisation_id,
        "state": entry.state,
        "amount_minor": entry.amount_minor,
        "reference": entry.reference,
        "label": entry.label,
        "reason": entry.reason,
    }
    return Answer(200, json.dumps(said).encode())


def _problem(status: int, code: str, words: str) -> Answer:
    body = {"type": f"urn:tillkeeper:gateway:{code}", "title": words, "status": status}
    return Answer(status, json.dumps(body).encode(), media=_PROBLEM)
