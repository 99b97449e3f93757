"""A second HQ, small and in memory, written from the page alone; and with a switch for each way to get a duty wrong."""

import contextlib
import json
import random
import time
from typing import Any

import msgspec

from tillkeeper.contract.chain import GENESIS, envelope_header, link
from tillkeeper.contract.ed25519 import verify
from tillkeeper.contract.envelope import MAX_NUMBER, Envelope, HqBatch
from tillkeeper.contract.events import EVENT_TYPES, CheckNumbered, CheckOpened, decode_body
from tillkeeper.contract.roster import Roster, Signed
from tillkeeper.contract.signing import HeadRefused, check_head

STORE, REGISTER, TOKEN = "corner", "till-1", "the-token-of-till-1"
MAX_EVENTS, MAX_BYTES = 2_000, 8 * 1024 * 1024


class Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Log:
    def __init__(self) -> None:
        self.held, self.head, self.stored = 0, GENESIS, 0
        self.kept: dict[int, tuple[str, str]] = {}
        """seq -> hash, reason."""
        self.shown: list[Envelope] = []


class SmallHq:
    """`fault`: which duty it does not do; empty: it does all. `seed`: for those that fail only at times."""

    def __init__(self, fault: str = "", seed: int = 1, authority: str = "") -> None:
        self._fault = fault
        self._chance = random.Random(seed)
        self._logs: dict[tuple[str, str, str], Log] = {}
        self._asides: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}
        self._next = MAX_NUMBER + 1 if self.wrong("number_too_long") else 1
        self._told: set[str] = set()
        self._opened = 0
        self._erased: set[str] = set()
        self._epoch = (0, "")
        self._roster = Roster(STORE, authority) if authority else None

    def wrong(self, *faults: str) -> bool:
        return self._fault in faults

    def decode(self, body: bytes) -> HqBatch:
        if self.wrong("strict_fields") and b"from_the_future" in body:
            raise Refused(400, "bad_request")
        try:
            return msgspec.json.decode(body, type=HqBatch)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Refused(500 if self.wrong("no_batch_breaks") else 400, "bad_request") from None

    def check(self, batch: HqBatch) -> None:
        if batch.store != STORE and not self.wrong("any_store"):
            raise Refused(403, "not_your_register")
        if batch.register != REGISTER and not self.wrong("any_register"):
            self._check_relay(batch)
        own = (batch.store, batch.register, batch.incarnation)
        if any((e.store, e.register, e.incarnation) != own for e in batch.events) and not self.wrong("any_log_inside"):
            raise Refused(422, "bad_identity")
        if len(batch.events) > (100 if self.wrong("small_batches") else MAX_EVENTS):
            raise Refused(500 if self.wrong("many_break") else 413, "too_large")

    def _check_relay(self, batch: HqBatch) -> None:
        if self._roster is None or batch.store != STORE:
            raise Refused(403, "not_your_register")
        if self.wrong("relay_beat_refused") and not batch.events:
            raise Refused(422, "unsigned")
        if self.wrong("relay_unsigned") and batch.head is None:
            return
        keys = self._roster.keys(batch.register)
        if self.wrong("relay_any_key") and batch.head is not None:
            keys = keys | {batch.head.key}
        if self.wrong("relay_uncovered") and batch.head is not None and batch.events:
            batch = msgspec.structs.replace(batch, events=batch.events[-1:])
        try:
            check_head(batch, keys, verify, relayed=True)
        except HeadRefused as error:
            raise Refused(422, error.code) from error

    def take_roster(self, body: bytes) -> dict[str, Any]:
        if self._roster is None:
            raise Refused(404, "not_found")
        signed = msgspec.convert(msgspec.json.decode(body)["statements"], tuple[Signed, ...])
        self._roster = self._roster.merged(signed).roster
        return {"digest": self._roster.digest}

    def take(self, batch: HqBatch) -> dict[str, Any]:
        log = self._logs.setdefault((batch.store, batch.register, batch.incarnation), Log())
        bound = self._bound(batch)
        verdicts = [self._place(log, event, bound) for event in batch.events]
        if self.wrong("late_retry_lowers") and batch.events and verdicts[-1][0] == "stored":
            log.held, log.head = batch.events[-1].seq, batch.events[-1].hash
        answer = {
            "held_seq": self._held(log, batch),
            "verdicts": [
                {"seq": e.seq, "verdict": v, "reason": r} for e, (v, r) in zip(batch.events, verdicts, strict=True)
            ],
            "numbers": self._numbers_of(batch, [v for v, _ in verdicts]),
        }
        return answer if self.wrong("no_time") else answer | {"hq_time_ms": time.time_ns() // 1_000_000}

    def _bound(self, batch: HqBatch) -> int | None:
        if self._roster is None or batch.head is None or self.wrong("left_goes_on", "relay_any_key"):
            return None
        return self._roster.bound(batch.register, batch.head.key, batch.incarnation)

    def _held(self, log: Log, batch: HqBatch) -> int:
        if self.wrong("held_without_rejected"):
            return log.stored
        if self.wrong("held_of_register"):
            return max(one.held for key, one in self._logs.items() if key[:2] == (batch.store, batch.register))
        return log.held

    def _place(self, log: Log, event: Envelope, bound: int | None) -> tuple[str, str]:
        if event.seq > log.held + 1:
            if self.wrong("gap_kept"):
                log.kept.setdefault(event.seq, (event.hash, ""))
            if self.wrong("gap_sticks"):
                log.kept[event.seq] = ("", "")
            return ("stored", "") if self.wrong("gap_stored") else ("retryable", "gap")
        if event.seq <= log.held:
            return self._repeat(log, event)
        if log.kept.get(event.seq, (event.hash, ""))[0] != event.hash:
            return "rejected", "forked_log"
        reason = self._fault_of(event, log.head)
        if not reason and bound is not None and event.seq > bound:
            reason = "after_leaving"
        blocked = {"undecodable": "poison_blocks", "broken_chain": "damage_stops"}.get(reason, "")
        if blocked and self.wrong(blocked):
            return "retryable", reason
        log.held, log.head, log.kept[event.seq] = event.seq, event.hash, (event.hash, reason)
        gone = set() if self.wrong("late_comes_back") else self._erased
        late = {d: t for d, t in event.personal.items() if d not in gone}
        log.shown.append(msgspec.structs.replace(event, personal={} if self.wrong("personal_dropped") else late))
        if event.type == "personal_data_erased" and (not reason or self.wrong("rejected_erases")):
            self._erase(event)
        if reason:
            self._set_aside(event, reason)
            return "rejected", "poison" if self.wrong("poison_renamed") and reason == "undecodable" else reason
        log.stored = event.seq if log.stored == event.seq - 1 else log.stored
        self._fold(event)
        return "stored", ""

    def _erase(self, event: Envelope) -> None:
        if self.wrong("erase_ignored"):
            return
        self._erased |= set(json.loads(event.body)["digests"])
        for log in self._logs.values():
            log.shown = [
                msgspec.structs.replace(e, personal={d: t for d, t in e.personal.items() if d not in self._erased})
                for e in log.shown
            ]

    def _repeat(self, log: Log, event: Envelope) -> tuple[str, str]:
        kept, reason = log.kept[event.seq]
        if kept != event.hash:
            if self.wrong("fork_replaces"):
                log.kept[event.seq] = (event.hash, "")
            if not self.wrong("fork_not_shown"):
                self._set_aside(event, "forked_log")
            if self.wrong("fork_moves_held"):
                log.held = event.seq
            return ("stored", "") if self.wrong("fork_stored") else ("rejected", "forked_log")
        if self.wrong("repeat_is_fork") or (self.wrong("repeat_is_fork_at_times") and self._chance.random() < 0.3):
            return "rejected", "forked_log"
        if self.wrong("repeat_counted") and event.type == "check_opened":
            self._opened += 1
        if self.wrong("repeat_kept"):
            log.shown.append(event)
        if self.wrong("aside_twice") and reason:
            self._set_aside(event, reason)
        return ("rejected", reason) if reason and not self.wrong("rejected_forgotten") else ("stored", "")

    def _fault_of(self, event: Envelope, head: str) -> str:
        body = event.body
        if self.wrong("body_reprinted"):
            body = _reprinted(body)
        if event.prev_hash != head and not self.wrong("prev_unchecked"):
            return "broken_chain"
        if link(event.prev_hash, envelope_header(event), body.encode()) != event.hash and not self.wrong("hash_unchecked"):
            return "broken_chain"
        if self.wrong("personal_hashed") and event.personal:
            return "broken_chain"
        if self.wrong("personal_needed") and '"name"' in event.body and not event.personal:
            return "undecodable"
        known = EVENT_TYPES.get(event.type)
        if known is None or known[1] != event.version:
            unknown = (known is None and self.wrong("unknown_type_rejected")) or (known and self.wrong("version_rejected"))
            return "undecodable" if unknown else ""
        try:
            decode_body(event.type, event.body.encode())
        except (msgspec.DecodeError, UnicodeDecodeError):
            return "" if self.wrong("poison_stored") else "undecodable"
        return ""

    def _set_aside(self, event: Envelope, reason: str) -> None:
        row = {"register": event.register, "incarnation": event.incarnation, "reason": reason, "envelope": event}
        if row not in self._asides or self.wrong("aside_twice"):
            self._asides.append(row)

    def _fold(self, event: Envelope) -> None:
        if event.type not in ("check_opened", "check_numbered", "check_voided") or event.version != 1:
            return
        found = decode_body(event.type, event.body.encode()) if not self.wrong("poison_stored") else _or_none(event)
        if isinstance(found, CheckOpened):
            self._opened += 1
            if self._key(found.check_id, event.incarnation) not in self._numbers:
                self._give(self._key(found.check_id, event.incarnation))
        elif isinstance(found, CheckNumbered) and not self.wrong("paper_ignored"):
            taken = found.number in self._numbers.values()
            if not taken or self.wrong("paper_steals"):
                self._numbers = {key: n for key, n in self._numbers.items() if n != found.number}
                self._numbers[self._key(found.check_id, event.incarnation)] = found.number
            if not self.wrong("paper_forgotten"):
                self._next = max(self._next, found.number + 1)
        elif event.type == "check_voided" and self.wrong("number_reused"):
            self._next = 1

    def _key(self, check_id: str, incarnation: str) -> str:
        return f"{incarnation}/{check_id}" if self.wrong("number_per_log") else check_id

    def _give(self, key: str) -> None:
        self._numbers[key] = self._next
        self._next += 1

    def _numbers_of(self, batch: HqBatch, verdicts: list[str]) -> list[dict[str, Any]]:
        found = []
        for event, verdict in zip(batch.events, verdicts, strict=True):
            if event.type != "check_opened" or event.version != 1 or (verdict != "stored" and not self.wrong("number_early")):
                continue
            opened = _or_none(event)
            if not isinstance(opened, CheckOpened):
                continue
            key = self._key(opened.check_id, event.incarnation)
            if self.wrong("number_new_each_time") or key not in self._numbers:
                self._give(key)
            elif self.wrong("number_once") and key in self._told:
                continue
            self._told.add(key)
            found.append({"check_id": opened.check_id, "number": self._numbers[key]})
        return found

    def witness(self, body: bytes) -> Any:
        """Of one register, which it has heard just now."""
        asked = msgspec.json.decode(body)
        if asked["register"] != REGISTER and not self.wrong("witness_any_register"):
            raise Refused(403, "not_your_register")
        return {"says": "agrees" if self.wrong("witness_deaf") else "hears", "epoch": {}}

    def take_online(self, body: bytes) -> Any:
        """Who holds the lease; it never has an order."""
        asked = json.loads(body)
        if asked["register"] != REGISTER and not self.wrong("online_any_register"):
            raise Refused(403, "not_your_register")
        epoch = (asked["epoch"]["counter"], asked["epoch"]["register"])
        is_old = epoch < self._epoch and not self.wrong("online_old_epoch")
        self._epoch = max(epoch, self._epoch)
        holds = asked["register"] == asked["primary"] and not is_old and not self.wrong("online_nobody")
        return {"holder": asked["register"] if holds else "", "lease_s": 10, "orders": [], "waiting": 0}

    def show(self, path: str, query: dict[str, str]) -> Any:
        if self.wrong("shows_nothing"):
            raise Refused(404, "not_found")
        if path == "/v1/books":
            return {"days": [{"books": {"opened": self._opened}}]}
        if path == "/v1/quarantine":
            return {"events": self._asides, "next_after": None}
        log = self._logs.get((query["store"], query["register"], query["incarnation"]), Log())
        return {"events": [self._as_shown(event) for event in log.shown]}

    def _as_shown(self, event: Envelope) -> Envelope:
        if not self.wrong("unknown_reprinted") or event.type in EVENT_TYPES:
            return event
        return msgspec.structs.replace(event, body=_reprinted(event.body))


def _reprinted(body: str) -> str:
    with contextlib.suppress(ValueError):
        return json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)
    return body


def _or_none(event: Envelope) -> Any:
    with contextlib.suppress(msgspec.DecodeError):
        return decode_body(event.type, event.body.encode())
    return None
