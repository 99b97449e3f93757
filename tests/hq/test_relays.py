"""Logs that others hand in, rosters and signatures: HQ believes whoever wrote an event, never whoever carries it."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.hq.world import DAY, READER, STORE, Hq, Log, running, token
from tests.support.hq_access import access
from tests.support.keys import AUTHORITY

from tillkeeper.config.model import Hq as HqConfig
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.contract.roster import Admitted, Left, Roster, Signed, Statement, canonical
from tillkeeper.contract.signing import sign_head
from tillkeeper.replication.http import HttpTransport
from tillkeeper.trust.keys import KeyPair

pytestmark = pytest.mark.usefixtures("database")

FRONT, SIDE, NEW = (KeyPair(bytes([n]) * 32) for n in (1, 2, 3))
STRANGER = KeyPair(bytes([9]) * 32)


def says(statement: Statement, authority: KeyPair = AUTHORITY) -> Signed:
    return Signed(statement, authority.sign(canonical(statement)))


BOTH = (
    says(Admitted(store=STORE, register="till-1", key=FRONT.key)),
    says(Admitted(store=STORE, register="till-2", key=SIDE.key)),
)


def signed(log: Log, key: KeyPair, first: int = 1, last: int | None = None) -> HqBatch:
    batch = log.batch(first, last)
    end = batch.events[-1]
    head = sign_head(log.store, log.register, log.incarnation, end.seq, end.hash, key.key, key.sign)
    return msgspec.structs.replace(batch, head=head)


def tell(hq: Hq, statements: Sequence[Signed], register: str = "till-1", store: str = STORE) -> Any:
    body = msgspec.json.encode({"store": store, "statements": statements})
    return hq.post_to("/v1/roster", body, token(register))


def post(hq: Hq, batch: HqBatch, by: str) -> tuple[int, str]:
    answer = hq.post(msgspec.json.encode(batch), token(by))
    return answer.status_code, answer.json().get("type", "").rpartition(":")[2]


def relay(hq: Hq, batch: HqBatch, by: str = "till-2") -> HqAnswer:
    return hq.send(batch, token(by))


@contextlib.contextmanager
def store_with_keys(folder: Path) -> Iterator[Hq]:
    with running(folder, authority=AUTHORITY.key) as hq:
        assert tell(hq, BOTH).json()["added"] == 2
        yield hq


def a_log(register: str = "till-1", sales: int = 3) -> Log:
    log = Log(register)
    for n in range(sales):
        log.sale(f"{register}-{n}", 1000 + n)
    return log


def test_another_register_hands_in_what_a_silent_one_wrote(tmp_path: Path) -> None:
    log = a_log()
    with store_with_keys(tmp_path) as hq:
        assert relay(hq, log.batch(last=0)).held_seq == 0
        first = relay(hq, signed(log, FRONT, 1, 6))
        assert (first.held_seq, {v.verdict for v in first.verdicts}) == (6, {"stored"})
        assert hq.get("/v1/registers")["registers"][0]["last_seen_ms"] == 0  # it was not heard itself
        whole = hq.send(signed(log, FRONT))
        assert (whole.held_seq, len(whole.numbers), whole.numbers[:2]) == (9, 3, first.numbers)
        assert relay(hq, signed(log, FRONT)).verdicts == whole.verdicts
        assert relay(hq, log.batch(last=0)).held_seq == 9
        assert hq.books() == log.day_books()
        assert hq.get("/v1/registers")["registers"][0]["last_seen_ms"] == whole.hq_time_ms


def forged_body(log: Log) -> HqBatch:
    batch = signed(log, FRONT)
    events = list(batch.events)
    events[2] = msgspec.structs.replace(events[2], body=events[2].body.replace("1000", "9000"))
    return msgspec.structs.replace(batch, events=tuple(events))


def shifted_head(log: Log) -> HqBatch:
    return msgspec.structs.replace(signed(log, FRONT), head=signed(log, FRONT, 1, 6).head)


@pytest.mark.parametrize(
    ("batch", "code"),
    [
        (lambda log: log.batch(), "unsigned"),
        (lambda log: signed(log, SIDE), "bad_signature"),
        (lambda log: signed(log, STRANGER), "bad_signature"),
        (shifted_head, "bad_signature"),
        (forged_body, "not_covered"),
        (lambda log: signed(Log.again(log, register="till-3"), SIDE), "unsigned"),
    ],
    ids=["unsigned", "carrier's key", "stranger's key", "head of another place", "altered", "nobody's register"],
)
def test_what_is_not_signed_by_its_author_is_not_taken_from_others(tmp_path: Path, batch: Any, code: str) -> None:
    log = a_log()
    with store_with_keys(tmp_path) as hq:
        assert post(hq, batch(log), "till-2") == (422, code)
        assert hq.get("/v1/registers")["registers"] == []
        assert hq.get("/v1/quarantine")["events"] == []
        assert relay(hq, signed(log, FRONT)).held_seq == 9


def test_a_register_with_a_key_signs_its_own_log_too(tmp_path: Path) -> None:
    """A stolen token alone writes nothing."""
    log = a_log()
    with running(tmp_path, authority=AUTHORITY.key) as hq:
        assert hq.send(log.batch(last=3)).held_seq == 3  # no key of it is known yet
        assert tell(hq, BOTH).status_code == 200
        assert post(hq, log.batch(), "till-1") == (422, "unsigned")
        assert post(hq, signed(log, STRANGER), "till-1") == (422, "bad_signature")
        assert hq.send(signed(log, FRONT)).held_seq == 9
        alone = a_log("till-3")
        assert hq.send(alone.batch()).held_seq == 9  # has no key


def test_a_roster_is_believed_by_its_signatures_and_kept(tmp_path: Path) -> None:
    digest = Roster(STORE, AUTHORITY.key).merged(BOTH).roster.digest
    forged = [says(Admitted(store=STORE, register="till-1", key=STRANGER.key, term=2), STRANGER)]
    with running(tmp_path, authority=AUTHORITY.key) as hq:
        assert hq.send(Log().batch()).roster == ""
        assert tell(hq, [*forged, *BOTH]).json() == {"digest": digest, "added": 2, "refused": 1}
        assert tell(hq, BOTH, "till-5").json() == {"digest": digest, "added": 0, "refused": 0}
        assert hq.end() == 0
        hq.start()
        assert hq.send(Log().batch()).roster == digest
        assert relay(hq, signed(a_log(), FRONT)).roster == digest


def test_a_roster_of_elsewhere_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, authority=AUTHORITY.key) as hq:
        for refused, status, code in (
            (tell(hq, BOTH, store="harbour"), 403, "not_your_store"),
            (hq.post_to("/v1/roster", msgspec.json.encode({"store": STORE}), READER), 403, "forbidden"),
            (hq.post_to("/v1/roster", b'{"store": "corner", "statements": [{}]}'), 400, "bad_request"),
            (tell(hq, [], "harbour", store="harbour"), 403, "no_authority"),
        ):
            assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (status, code)


def test_what_a_register_wrote_after_it_left_is_set_apart(tmp_path: Path) -> None:
    log = a_log()
    with store_with_keys(tmp_path) as hq:
        hq.send(signed(log, FRONT, 1, 3))
        tell(hq, [says(Left(store=STORE, register="till-1", key=FRONT.key, finals={"inc-1": 6}))])
        answer = relay(hq, signed(log, FRONT))
        assert [(v.seq, v.reason) for v in answer.verdicts if v.verdict != "stored"] == [
            (seq, "after_leaving") for seq in (7, 8, 9)
        ]
        assert hq.send(signed(log, FRONT)).verdicts == answer.verdicts
        assert hq.books().gross_minor == 1000 + 1001
        assert hq.get("/v1/books", day=DAY)["days"][0]["quarantined"]["gross_minor"] == 1002
        again = Log("till-1", "inc-2")
        again.sale("c9", 500)
        tell(hq, [says(Admitted(store=STORE, register="till-1", key=NEW.key, term=2))])
        assert {v.reason for v in relay(hq, signed(again, FRONT)).verdicts} == {"after_leaving"}  # the key that left
        later = Log("till-1", "inc-3")
        later.sale("c10", 700)
        assert {v.verdict for v in hq.send(signed(later, NEW)).verdicts} == {"stored"}


def test_a_fork_that_two_hold_is_listed_once(tmp_path: Path) -> None:
    log, clone = a_log(), a_log()
    clone.events = clone.events[:6]
    clone.sale("other", 7000)
    with store_with_keys(tmp_path) as hq:
        tell(hq, [says(Admitted(store=STORE, register="till-3", key=STRANGER.key))])
        hq.send(signed(log, FRONT))
        for holder in ("till-2", "till-3", "till-2"):
            answer = relay(hq, signed(clone, FRONT, 7), holder)
            assert {(v.verdict, v.reason) for v in answer.verdicts} == {("rejected", "forked_log")}
        listed = hq.get("/v1/quarantine", reason="forked_log")
        assert [msgspec.convert(one["envelope"], Envelope) for one in listed["events"]] == clone.events[6:]
        assert listed["reasons"] == {"forked_log": 3}
        assert hq.get("/v1/quarantine", reason="undecodable")["events"] == []


def test_the_agent_tells_hq_its_roster_and_again_when_it_has_grown(tmp_path: Path) -> None:
    log = a_log()
    rosters = [Roster(STORE, AUTHORITY.key).merged(BOTH[1:]).roster]

    async def scene(hq: Hq) -> None:
        config = HqConfig(url=hq.url, timeout_s=20)
        transport = HttpTransport(access(config, token("till-2")), lambda: rosters[-1])
        try:
            assert (await transport.exchange(HqBatch(STORE, "till-2", "inc-1"))).roster == rosters[0].digest
            rosters.append(rosters[0].merged(BOTH).roster)
            answer = await transport.exchange(signed(log, FRONT))
            assert (answer.held_seq, answer.roster) == (9, rosters[1].digest)
        finally:
            await transport.aclose()

    with running(tmp_path, authority=AUTHORITY.key) as hq:
        asyncio.run(scene(hq))


def test_the_agent_sells_on_where_hq_wants_no_roster(tmp_path: Path) -> None:
    log = a_log("till-2")
    roster = Roster(STORE, AUTHORITY.key).merged(BOTH).roster

    async def scene(hq: Hq) -> None:
        transport = HttpTransport(access(HqConfig(url=hq.url, timeout_s=20), token("till-2")), lambda: roster)
        try:
            assert (await transport.exchange(signed(log, SIDE))).held_seq == 9
        finally:
            await transport.aclose()

    with running(tmp_path) as hq:
        asyncio.run(scene(hq))
