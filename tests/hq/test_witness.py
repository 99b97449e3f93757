"""HQ as a witness: who was heard is not away, an agreement binds for ever, and a newer record is told."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.hq.world import READER, STORE, Hq, Log, running, token

from tillkeeper.contract.roles import Epoch, RolesAssigned, WitnessAsked, WitnessSaid
from tillkeeper.contract.witness import SILENT_S

pytestmark = pytest.mark.usefixtures("database")
BASE = Epoch(0, "till-1/till-2")


def ask(
    hq: Hq, register: str = "till-2", away: str = "till-1", counter: int = 1, base: Epoch = BASE, *, binding: bool = False
) -> WitnessSaid:
    asked = WitnessAsked(register=register, away=away, base=base, epoch=Epoch(counter, register), binding=binding)
    answer = hq.post_to(f"/v1/stores/{STORE}/roles/witness", msgspec.json.encode(asked), token(register))
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=WitnessSaid)


def until_silent(hq: Hq, **more: Any) -> WitnessSaid:
    end_s = time.monotonic() + SILENT_S + 10
    while (said := ask(hq, **more)).says == "hears":
        assert time.monotonic() < end_s
        time.sleep(0.1)
    return said


def test_who_was_heard_a_moment_ago_is_not_away_and_later_it_is(tmp_path: Path) -> None:
    with running(tmp_path) as hq:
        assert ask(hq).says == "hears", "HQ has only just started: it can not know"
        hq.send(Log("till-1").batch())
        began_s = time.monotonic()
        assert ask(hq).says == "hears"
        assert until_silent(hq).says == "agrees"
        assert time.monotonic() - began_s >= SILENT_S - 0.2
        hq.send(Log("till-1").batch())
        assert ask(hq).says == "hears"


def test_what_it_agreed_to_binds_over_a_restart_and_for_all_others(tmp_path: Path) -> None:
    with running(tmp_path) as hq:
        assert until_silent(hq).says == "agrees"
        assert ask(hq, register="till-3", away="till-1").says == "agrees", "nobody is bound yet"
        assert ask(hq, binding=True).says == "agrees"
    with running(tmp_path) as hq:
        refused = ask(hq, register="till-1", away="till-2", counter=9, binding=True)
        assert (refused.says, refused.epoch) == ("refuses", Epoch(1, "till-2"))
        assert until_silent(hq, binding=True).says == "agrees", "the same one may ask again"


def test_a_newer_record_is_told_instead_of_an_answer(tmp_path: Path) -> None:
    record = RolesAssigned(primary="till-1", backup="till-3", counter=4, register="till-1")
    log = Log("till-1")
    log.add(record)
    with running(tmp_path) as hq:
        hq.send(log.batch())
        said = ask(hq)
        assert (said.says, said.epoch, said.record) == ("refuses", record.epoch, record)
        assert until_silent(hq, base=record.epoch, counter=5).says == "agrees"


def test_a_register_asks_for_itself_and_its_own_store_only(tmp_path: Path) -> None:
    asked = msgspec.json.encode(WitnessAsked(register="till-2", away="till-1", base=BASE, epoch=Epoch(1, "till-2")))
    with running(tmp_path) as hq:
        for secret, path, status in (
            (token("till-1"), STORE, 403),
            (READER, STORE, 403),
            (token("harbour"), "harbour", 403),
            (token("till-2"), "harbour", 403),
            ("nobody", STORE, 401),
        ):
            assert hq.post_to(f"/v1/stores/{path}/roles/witness", asked, secret).status_code == status
        assert hq.post_to(f"/v1/stores/{STORE}/roles/witness", b"{}", token("till-2")).status_code == 400
        assert hq.post_to(f"/v1/stores/{STORE}/roles/witness", b" " * 20_000, token("till-2")).status_code == 413
