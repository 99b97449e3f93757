"""What comes late is what it was rung as: practice or business, by whom, whatever the session has become since."""

from pathlib import Path

from tests.people.test_secrets import stored
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BOSS, NEW
from tests.till.test_sides import LINES, ORDER, code

PAID = ORDER | {"tenders": [{"tender": "cash"}]}
NO_SALE = {"drawer": "drawer", "reason": "change"}


def test_what_comes_late_stays_on_the_side_on_which_it_was_rung(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        boss = await store.signed_in(BOSS)
        await boss.post("/session/training", {"on": True})
        real = await boss.post("/orders", ORDER, training="off")
        assert (real["ticket_code"], (await boss.post("/orders", ORDER))["ticket_code"]) == ("B-001", "T-001")
        path = f"/checks/{real['check_id']}"
        assert code(await boss.post(f"{path}/lines", LINES, status=422)) == "not_training"
        assert code(await boss.post(f"{path}/lines", LINES, training="on", status=422)) == "not_training"
        await boss.post(f"{path}/lines", LINES, training="off")
        assert (await boss.post(f"{path}/tenders", {"tender": "cash"}, training="off"))["state"] == "closed"
        await boss.post("/session/training", {"on": False})
        practice = await boss.post("/orders", PAID, training="on")
        assert (practice["ticket_code"], practice["state"]) == ("T-002", "closed")
        assert code(await boss.post("/no-sales", NO_SALE, training="on", status=422)) == "training_no_sale"
        books = await store.register.get("/books")
        assert (books["checks_opened"], books["checks_closed"], books["no_sales"]) == (1, 1, 0)

    in_store(staffed(tmp_path), scene)


def test_a_key_gets_its_answer_whatever_the_session_has_become(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        ana = await store.signed_in(ANA)
        first = await ana.post("/orders", PAID, key="k", training="off")
        released = await ana.post("/jobs/release", key="r", training="off")
        await ana.post("/session/training", {"on": True})
        for training in ("off", "on", ""):
            assert await ana.post("/orders", PAID, key="k", training=training) == first
        assert await ana.post("/jobs/release", key="r", training="off") == released
        await ana.post("/sign-out")
        assert await ana.post("/orders", PAID, key="k", training="off") == first
        assert code(await ana.post("/orders", PAID, training="off", status=401)) == "sign_in_needed"
        assert len((await store.register.get("/checks"))["checks"]) == 1

    in_store(staffed(tmp_path), scene)


def test_an_order_of_the_command_line_says_itself_what_it_is(tmp_path: Path) -> None:
    """Whatever the page beside it does, and under one key it is one thing."""

    async def scene(store: Store) -> None:
        ana = await store.signed_in(ANA)
        await ana.post("/session/training", {"on": True})
        real = await store.register.post("/orders", ORDER, key="real")
        practice = await store.register.post("/orders", ORDER | {"training": True}, key="practice")
        assert (real["ticket_code"], practice["ticket_code"]) == ("B-001", "T-001")
        assert await store.register.post("/orders", ORDER | {"training": True}, key="practice") == practice
        assert code(await store.register.post("/orders", ORDER, key="practice", status=409)) == "conflict"

    in_store(staffed(tmp_path), scene)


def test_who_must_practise_needs_the_word_that_ends_it_also_for_what_comes_late(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        tim = await store.signed_in(NEW)
        refused = await tim.post("/orders", ORDER, training="off", status=403)
        assert (code(refused), refused["permission"]) == ("approval_needed", "training_off")
        real = await tim.post("/orders", ORDER, training="off", approval=await tim.approval(BOSS, "training_off"))
        assert real["ticket_code"] == "B-001"
        for what in ("cancel", "release"):
            job = f"/jobs/{real['jobs'][0]['job_id']}"
            assert code(await tim.post(f"{job}/{what}", training="off", status=422)) == "not_training"
        await tim.post("/session/training", {"on": False}, approval=await tim.approval(BOSS, "training_off"))
        assert (await tim.post("/orders", ORDER, training="off"))["ticket_code"] == "B-002"
        assert (await tim.post("/orders", ORDER, training="on"))["ticket_code"] == "T-001"

    in_store(staffed(tmp_path), scene)
    events = stored(tmp_path / "data" / "journal.db")
    at = [kind for kind, _body in events].index("approval_given")
    assert (events[at][1]["approver"], events[at][1]["employee"], events[at][1]["command"]) == ("mia", "tim", "place_order")
    assert events[at + 1][0] == "check_opened"


def test_what_is_neither_on_nor_off_is_refused(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        ana = await store.signed_in(ANA)
        assert code(await ana.post("/orders", ORDER, training="true", status=400)) == "bad_request"
        assert (await store.register.get("/checks"))["checks"] == []

    in_store(staffed(tmp_path), scene)
