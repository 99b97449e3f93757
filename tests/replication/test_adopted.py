"""A register that comes back believes that its tickets are printed elsewhere where a signed log says so."""

import msgspec
import pytest
from tests.replication.logs_of_others import STORE, rehashed

from tillkeeper.contract.chain import GENESIS
from tillkeeper.contract.documents import DocumentRerouted, DocumentSettled
from tillkeeper.contract.envelope import Envelope, HqBatch
from tillkeeper.contract.events import TYPE_NAMES, encode_body
from tillkeeper.contract.signing import sign_head
from tillkeeper.replication.model import LogId
from tillkeeper.replication.peers.adopted import MAX_PROVEN, adopted_by
from tillkeeper.spool.adopting import adopted_id
from tillkeeper.trust.keys import KeyPair

KEY, STRANGER = KeyPair(bytes(32)), KeyPair(bytes([1] * 32))
MINE = "01JD0000000000000000000001"


def shown(job_id: str = MINE, new_job_id: str = "", *, key: KeyPair = KEY, register: str = "b", seq: int = 5) -> HqBatch:
    moved = DocumentRerouted(
        job_id=job_id, new_job_id=new_job_id or adopted_id(job_id, register), from_device="grill", to_device="grill",
        reason="adopted from register a",
    )  # fmt: skip
    name, before = TYPE_NAMES[DocumentRerouted], "a" * 64 if seq > 1 else GENESIS
    bare = Envelope(STORE, register, "i", seq, name, 1, "2026-11-22", 0, encode_body(moved).decode(), before, "")
    return signed(rehashed(bare), key)


def signed(event: Envelope, key: KeyPair = KEY) -> HqBatch:
    head = sign_head(STORE, event.register, event.incarnation, event.seq, event.hash, key.key, key.sign)
    return HqBatch(STORE, event.register, event.incarnation, (event,), head)


def believed(*batches: HqBatch, held: str = "") -> tuple[str, ...]:
    return adopted_by("b", batches, STORE, {KEY.key}, lambda _log, _seq: held)


def test_what_the_adopters_signed_log_says_is_believed() -> None:
    other = "01JD0000000000000000000002"
    assert believed(shown(), shown(other, seq=6)) == (MINE, other)
    assert believed(shown(), held=shown().events[0].hash) == (MINE,), "it is in the log as that is held here"


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(msgspec.structs.replace(shown(), head=None), id="nobody signed it"),
        pytest.param(shown(key=STRANGER), id="another key"),
        pytest.param(shown(register="c"), id="another register's log"),
        pytest.param(shown(new_job_id=MINE), id="moved at its own register"),
        pytest.param(msgspec.structs.replace(shown(), events=shown("x").events), id="another event under the signature"),
        pytest.param(msgspec.structs.replace(shown(), events=()), id="no event"),
        pytest.param(msgspec.structs.replace(shown(), store="elsewhere"), id="another store"),
        pytest.param(
            signed(
                rehashed(
                    shown().events[0],
                    type=TYPE_NAMES[DocumentSettled],
                    body=encode_body(DocumentSettled(MINE, "kitchen_ticket", "grill", "confirmed")).decode(),
                )
            ),
            id="another type",
        ),
        pytest.param(signed(rehashed(shown().events[0], body="{")), id="garbage"),
        pytest.param(msgspec.structs.replace(shown(), incarnation="other"), id="another log"),
    ],
)
def test_what_it_only_says_is_not(lie: HqBatch) -> None:
    assert believed(lie) == ()
    assert believed(lie, shown()) == (MINE,), "and stands in the way of nothing"


def test_a_log_that_others_hold_otherwise_is_not_believed() -> None:
    assert believed(shown(), held="f" * 64) == ()


def test_no_more_is_looked_at_than_is_ever_told() -> None:
    assert len(believed(*(shown(f"job{n}", seq=n + 1) for n in range(MAX_PROVEN + 5)))) == MAX_PROVEN


def test_places_are_looked_up_in_the_log_that_is_shown() -> None:
    asked: list[tuple[LogId, int]] = []

    def hash_at(log: LogId, seq: int) -> str:
        asked.append((log, seq))
        return ""

    adopted_by("b", (shown(seq=9),), STORE, {KEY.key}, hash_at)
    assert asked == [(LogId("b", "i"), 9)]
