"""Orders of web shops at HQ: given once, handed to one register at a time, told about; on both databases, over processes."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.hq.people import NOW, Office
from tests.hq.world import DATABASE, READER, SHOP, STORE, Hq, Log, running, token

from tillkeeper.contract.online import (
    HandedOrder,
    OnlineDone,
    OnlineLine,
    OnlineOrder,
    OnlineOrdersTaken,
    OnlineOrderState,
    TakeOnlineOrders,
)
from tillkeeper.contract.roles import Epoch, RolesAssigned
from tillkeeper_hq import online_tables
from tillkeeper_hq.database import Database
from tillkeeper_hq.ingest import Taking
from tillkeeper_hq.online_tables import MAX_OPEN, OtherOrder, TooMany
from tillkeeper_hq.sql import Backend
from tillkeeper_hq.sqlite import SqliteBackend

NOON = 1_795_000_000_000
LONG_AGO = NOON - 3_600_000
FIRST = Epoch(0, "till-1/till-2")


def order(shop_id: str = "w-1", **more: Any) -> OnlineOrder:
    return OnlineOrder(id=shop_id, order_type="takeout", lines=(OnlineLine("cola"),), **({"name": "Zoë"} | more))


class World:
    """HQ's tables, with a clock that the test sets. `now_ms` is HQ's."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now_ms = NOON

    def put(self, given: OnlineOrder) -> OnlineOrderState:
        put = partial(online_tables.put, store=STORE, order=given, now_ms=self.now_ms)
        return self.database.change(put).result(30)[0]

    def state(self, shop_id: str = "w-1") -> OnlineOrderState:
        found = self.database.read(lambda sql: online_tables.state(sql, STORE, shop_id, self.now_ms)).result(30)
        assert found is not None
        return found

    def take(
        self,
        register: str,
        *done: OnlineDone,
        epoch: Epoch = FIRST,
        primary: str = "till-1",
        backup: str = "till-2",
        limit: int = 20,
    ) -> OnlineOrdersTaken:
        by = TakeOnlineOrders(register=register, primary=primary, backup=backup, epoch=epoch, done=done, limit=limit)
        take = partial(online_tables.take, store=STORE, by=by, now_ms=self.now_ms, since_ms=LONG_AGO)
        return self.database.change(take).result(30)

    def ids(self, register: str, *done: OnlineDone, **more: Any) -> list[str]:
        return [one.id for one in self.take(register, *done, **more).orders]

    def later(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)


def accepted(shop_id: str = "w-1", check: str = "c-1", code: str = "B-001") -> OnlineDone:
    return OnlineDone(shop_id, "accepted", check, code)


def refused(shop_id: str = "w-1") -> OnlineDone:
    return OnlineDone(shop_id, "refused", code="sold_out", reason="Cola is sold out")


@contextmanager
def tables(folder: Path, url: str) -> Iterator[World]:
    backend: Backend = SqliteBackend(folder)
    if url:
        from tillkeeper_hq.postgres import PostgresBackend

        backend = PostgresBackend(url)
    with Database(backend) as database:
        yield World(database)


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    with tables(tmp_path, database) as made:
        yield made


def test_an_order_is_given_once_handed_out_once_and_told_about(world: World) -> None:
    first = world.put(order(expires_in_s=600))
    assert (first.state, first.received_ms, first.expires_ms) == ("waiting", NOON, NOON + 600_000)
    world.later(5)
    assert world.put(order(expires_in_s=600)) == first
    with pytest.raises(OtherOrder):
        world.put(order(name="Ana", expires_in_s=600))
    (handed,) = world.take("till-1").orders
    assert handed == HandedOrder(id="w-1", order=order(expires_in_s=600))
    assert (world.state().state, world.state().register) == ("handed_out", "till-1")
    assert world.take("till-1").orders == (handed,), "until it says what became of it"
    assert world.ids("till-1", accepted()) == []
    assert world.ids("till-1", accepted(check="c-2")) == [], "said twice, the first counts"
    told = world.state()
    assert (told.state, told.register, told.check_id, told.ticket_code) == ("accepted", "till-1", "c-1", "B-001")
    assert told.also_placed == ()
    assert world.put(order(expires_in_s=600)).state == "accepted"


def test_what_is_settled_keeps_no_name(world: World) -> None:
    world.put(order())
    world.put(order("w-2"))
    world.take("till-1", refused("w-2"))
    world.take("till-1", accepted(), refused("w-2"))
    assert (world.state("w-2").code, world.state("w-2").reason) == ("sold_out", "Cola is sold out")
    bodies = world.database.read(lambda sql: sql.rows("SELECT body FROM online_orders")).result(30)
    assert bodies == [("",), ("",)]


def test_an_order_whose_register_never_came_back_is_over_one_day_and_its_guest_forgotten(world: World) -> None:
    world.put(order(expires_in_s=30))
    assert world.ids("till-1") == ["w-1"]
    world.later(29 * 86_400)
    world.take("till-2")
    assert world.state().state == "handed_out", "it may have been placed, and its register may come back"
    world.later(2 * 86_400)
    world.take("till-2")
    assert (world.state().state, world.state().register) == ("expired", "till-1")
    rows = world.database.read(lambda sql: sql.rows("SELECT body FROM online_orders")).result(30)
    assert rows == [("",)]
    assert world.ids("till-1") == ["w-1"], "whoever had it is asked still"
    assert world.ids("till-1", accepted()) == []
    assert [one.check_id for one in world.state().also_placed] == ["c-1"]
    world.later(31 * 86_400)
    world.take("till-2")
    rows = world.database.read(lambda sql: sql.rows("SELECT body FROM online_orders")).result(30)
    assert rows == []


def test_the_backup_gets_orders_only_where_the_primary_does_not_ask(world: World) -> None:
    world.put(order())
    assert world.ids("till-2", limit=0) == []
    assert world.take("till-1", limit=0).holder == "till-1"
    for _ in range(5):
        world.later(4)
        assert world.ids("till-2") == []
        assert world.take("till-2").holder == "till-1"
        world.take("till-1", limit=0)
    world.later(9.9)
    assert world.ids("till-2") == []
    world.later(0.2)
    taken = world.take("till-2")
    assert (taken.holder, [one.id for one in taken.orders]) == ("till-2", ["w-1"])
    assert not taken.orders[0].may_be_doubled, "nobody had it before"
    world.put(order("w-2"))
    assert world.ids("till-1") == ["w-2"], "back, it gets what waits, not what the other has"
    assert world.ids("till-2", accepted()) == []
    assert world.state().register == "till-2"


def test_who_has_no_role_or_an_older_record_gets_nothing(world: World) -> None:
    world.put(order())
    assert world.take("till-3").orders == ()
    assert world.ids("till-2", primary="till-2", backup="", epoch=Epoch(1, "till-2")) == ["w-1"]
    assert world.ids("till-1") == []
    assert world.take("till-1").holder == "till-2"
    world.put(order("w-2"))
    forged = Log("till-1")
    forged.add(RolesAssigned(primary="till-1", counter=9, register="till-9"))
    world.database.write(Taking(forged.batch())).result(30)
    log = Log("till-3")
    log.add(RolesAssigned(primary="till-3", counter=2, register="till-3"))
    world.database.write(Taking(log.batch())).result(30)
    assert world.ids("till-2", accepted(), primary="till-2", backup="", epoch=Epoch(1, "till-2")) == []
    assert world.state().state == "accepted", "what it says counts"
    assert world.ids("till-3", primary="till-3", backup="", epoch=Epoch(2, "till-3")) == ["w-2"]


def test_a_record_that_its_register_lost_with_its_disk_shuts_nobody_out_for_ever(world: World) -> None:
    """Found by the simulation: nobody but HQ had heard of it, and no register ever comes to it again by itself."""
    world.put(order(expires_in_s=600))
    assert world.take("till-1", epoch=Epoch(7, "till-1"), limit=0).holder == "till-1"
    world.later(59)
    assert world.ids("till-1", epoch=Epoch(6, "till-1")) == []
    world.later(20)
    assert world.ids("till-1", epoch=Epoch(6, "till-1")) == ["w-1"]


def test_an_order_of_a_silent_register_goes_to_the_next_and_says_so(world: World) -> None:
    world.put(order())
    world.put(order("w-2"))
    assert world.ids("till-1") == ["w-1", "w-2"]
    world.later(10.1)
    taken = world.take("till-2")
    assert [(one.id, one.may_be_doubled) for one in taken.orders] == [("w-1", True), ("w-2", True)]
    world.take("till-2", accepted(check="c-2", code="C-001"), refused("w-2"))
    world.later(1)
    back = world.take("till-1")
    assert [(one.id, one.order) for one in back.orders] == [("w-1", None), ("w-2", None)], "only to say what became of it"
    world.take("till-1", accepted(check="c-1", code="B-001"), OnlineDone("w-2", "not_placed"))
    told = world.state()
    assert (told.state, told.register, told.ticket_code, told.may_be_doubled) == ("accepted", "till-2", "C-001", True)
    assert [(one.register, one.ticket_code) for one in told.also_placed] == [("till-1", "B-001")]
    assert (world.state("w-2").state, world.state("w-2").also_placed) == ("refused", ())


def test_a_register_that_is_back_gets_its_own_orders_without_a_mark(world: World) -> None:
    world.put(order())
    world.take("till-1")
    world.later(60)
    (again,) = world.take("till-1").orders
    assert (again.order, again.may_be_doubled) == (order(), False)


def test_what_waits_expires_and_what_may_have_been_placed_is_asked_about(world: World) -> None:
    world.put(order(expires_in_s=60))
    world.put(order("w-2", expires_in_s=60))
    world.put(order("w-3", expires_in_s=60))
    assert world.ids("till-1", limit=2) == ["w-1", "w-2"]
    world.later(61)
    assert [world.state(one).state for one in ("w-1", "w-2", "w-3")] == ["handed_out", "handed_out", "expired"]
    assert world.ids("till-2") == [], "nobody else gets it"
    back = world.take("till-1")
    assert [(one.id, one.order) for one in back.orders] == [("w-1", None), ("w-2", None)]
    world.take("till-1", accepted(), OnlineDone("w-2", "not_placed"))
    assert [world.state(one).state for one in ("w-1", "w-2", "w-3")] == ["accepted", "expired", "expired"]
    assert world.put(order("w-3", expires_in_s=60)).state == "expired"
    world.later(31 * 86_400)
    world.database.change(partial(online_tables.expire, store=STORE, now_ms=world.now_ms)).result(30)
    assert world.put(order("w-1")).state == "waiting", "forgotten by then"


@pytest.mark.parametrize("last", ["till-1", "till-2"])
def test_what_nobody_placed_is_over_whoever_was_the_last_to_say_so(world: World, last: str) -> None:
    """Found by the simulation: the register that has it said so first, and the order stayed handed out."""
    world.put(order(expires_in_s=60))
    assert world.ids("till-1") == ["w-1"]
    world.later(11)
    assert world.ids("till-2") == ["w-1"]
    world.later(60)
    first = "till-1" if last == "till-2" else "till-2"
    world.take(first, OnlineDone("w-1", "not_placed"))
    assert world.state().state == "handed_out", "the other one may have placed it"
    world.take(last, OnlineDone("w-1", "not_placed"))
    assert world.state().state == "expired"
    assert world.ids("till-1") == world.ids("till-2") == []


def test_after_a_restart_of_hq_nobody_counts_as_silent_yet(world: World) -> None:
    world.put(order())
    world.take("till-1")
    world.later(600)
    by = TakeOnlineOrders(register="till-2", primary="till-1", backup="till-2", epoch=FIRST)
    for seconds, wanted in ((9, []), (10.5, ["w-1"])):
        take = partial(
            online_tables.take, store=STORE, by=by, now_ms=world.now_ms + round(seconds * 1000), since_ms=world.now_ms
        )
        assert [one.id for one in world.database.change(take).result(30).orders] == wanted


def test_a_store_has_a_bound(world: World) -> None:
    for n in range(MAX_OPEN):
        world.put(order(f"w-{n}"))
    with pytest.raises(TooMany):
        world.put(order("one-more"))
    assert world.put(order("w-0")).state == "waiting"
    assert len(world.take("till-1").orders) == 20
    world.take("till-1", refused("w-0"))
    world.put(order("one-more"))


def test_whatever_befalls_two_registers_no_order_is_handed_twice_without_a_mark(world: World) -> None:
    """All interleavings of asking, silence and telling of two registers."""
    steps = ("1", "2", "wait", "tell1", "tell2")
    for number, plan in enumerate(itertools.product(steps, repeat=4)):
        shop_id = f"p-{number}"
        world.put(order(shop_id, expires_in_s=86_400))
        placed: dict[str, bool] = {}
        for step in plan:
            if step == "wait":
                world.later(10.1)
                continue
            register = f"till-{step[-1]}"
            done = [accepted(shop_id, register, register)] if step.startswith("tell") and register in placed else []
            for one in world.take(register, *done).orders:
                if one.id == shop_id and one.order is not None:
                    placed.setdefault(register, one.may_be_doubled)
        if len(placed) == 2:
            assert sum(placed.values()) == 1, (plan, placed)
        for register in ("till-1", "till-2"):
            world.take(register, accepted(shop_id, register, register))
        if not placed:
            world.take("till-1")
            world.take("till-1", refused(shop_id))
        assert world.state(shop_id).state in ("accepted", "refused")


# --- over HTTP ---


PLACE = f"/v1/stores/{STORE}/online-orders"


def body(shop_id: str = "w-1", **more: Any) -> bytes:
    return msgspec.json.encode(order(shop_id, **more))


def ask(hq: Hq, register: str, *done: OnlineDone) -> httpx.Response:
    by = TakeOnlineOrders(register=register, primary="till-1", backup="till-2", epoch=FIRST, done=done)
    return hq.post_to(f"{PLACE}/take", msgspec.json.encode(by), token(register))


def test_the_shop_and_registers_over_http_and_a_kill(tmp_path: Path, database: str) -> None:
    with running(tmp_path) as hq:
        first = hq.post_to(PLACE, body(), SHOP)
        assert (first.status_code, first.json()["state"]) == (201, "waiting")
        hq.kill()
        hq.end()
        hq.start()
        assert hq.post_to(PLACE, body(), SHOP).status_code == 200
        assert [one["id"] for one in ask(hq, "till-1").json()["orders"]] == ["w-1"]
        hq.kill()
        hq.end()
        hq.start()
        assert [one["id"] for one in ask(hq, "till-1").json()["orders"]] == ["w-1"]
        assert ask(hq, "till-1", accepted()).json()["orders"] == []
        told = hq.get(f"{PLACE}/w-1", SHOP)
        assert (told["state"], told["ticket_code"]) == ("accepted", "B-001")


def test_each_token_does_its_own_and_problems_are_typed(tmp_path: Path, database: str) -> None:
    def problem(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    with running(tmp_path) as hq:
        assert problem(hq.post_to(PLACE, body(), token("till-1"))) == (403, "forbidden")
        assert problem(hq.post_to(PLACE, body(), READER)) == (403, "forbidden")
        assert problem(hq.post_to("/v1/stores/harbour/online-orders", body(), SHOP)) == (403, "not_your_store")
        assert problem(hq.ask("/v1/books", SHOP, store=STORE)) == (403, "not_your_store")
        assert problem(hq.ask("/v1/quarantine", SHOP)) == (403, "not_your_store")
        assert problem(hq.post_to(f"{PLACE}/take", b"{}", SHOP)) == (403, "forbidden")
        assert problem(hq.ask(f"{PLACE}/none", SHOP)) == (404, "not_found")
        by = TakeOnlineOrders(register="till-1", primary="till-1")
        assert problem(hq.post_to(f"{PLACE}/take", msgspec.json.encode(by), token("till-2"))) == (403, "not_your_register")
        for wrong in (b"", b"[]", b'{"id": "x"}', body("no spaces"), body(expires_in_s=5), b'{"more": 1,' + body()[1:]):
            assert problem(hq.post_to(PLACE, wrong, SHOP)) == (400, "bad_request"), wrong
        assert problem(hq.post_to(PLACE, b" " * 200_000, SHOP)) == (413, "too_large")
        assert problem(hq.post_to(PLACE, body(note="mine is 4111 1111 1111 1111"), SHOP)) == (422, "card_number_in_text")
        assert hq.post_to(PLACE, body(phone="+49 30 1234567"), SHOP).status_code == 201
        assert problem(hq.post_to(PLACE, body(), SHOP)) == (409, "other_order")


def test_two_processes_hand_each_order_to_one_register(tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE, server.fresh())
    (tmp_path / "other").mkdir()
    with running(tmp_path) as one, running(tmp_path / "other") as other:
        for n in range(60):
            assert one.post_to(PLACE, body(f"w-{n}"), SHOP).status_code == 201
        got: list[str] = []

        def work(hq: Hq, register: str) -> None:
            done: list[OnlineDone] = []
            for _ in range(12):
                answer = ask(hq, register, *done)
                assert answer.status_code == 200, answer.text
                orders = [one["id"] for one in answer.json()["orders"]]
                got.extend(orders)
                done = [accepted(shop_id, f"{register}-{shop_id}", "B-1") for shop_id in orders]

        jobs: list[tuple[Hq, str]] = [(one, "till-1"), (other, "till-2")]
        threads = [threading.Thread(target=work, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == sorted(set(got)) == sorted(f"w-{n}" for n in range(60))


# --- for people ---


def test_the_page_shows_orders_and_what_became_two_checks(tmp_path: Path, database: str) -> None:
    with tables(tmp_path, database) as world:
        world.now_ms = NOW
        world.put(order())
        world.put(order("w-2", name="<b>"))
        world.take("till-1")
        world.later(11)
        world.take("till-2")
        world.take("till-2", accepted(check="c-2", code="C-001"), refused("w-2"))
        world.take("till-1", accepted(check="c-1", code="B-001"))
    backend: Backend = SqliteBackend(tmp_path)
    if database:
        from tillkeeper_hq.postgres import PostgresBackend

        backend = PostgresBackend(database)
    with Office(tmp_path, backend) as office:
        office.add("mia", "viewer", STORE)
        office.add("eve", "viewer", "harbour")
        seen = office.person("mia").see("/online")
        assert "C-001" in seen
        assert "also placed: B-001 at till-1" in seen
        assert "Cola is sold out" in seen
        elsewhere = office.person("eve")
        assert "w-1" not in elsewhere.see("/online")
        assert elsewhere.ask(f"/online?store={STORE}").status_code == 404
