"""Pages on both sides of training: who works on which check, and what a page may say of 86."""

from pathlib import Path
from typing import Any

from tests.people.test_secrets import stored
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BEN, BOSS, NEW

ORDER = {"order_type": "takeout", "lines": [{"item_id": "cheeseburger"}]}
LINES = {"lines": [{"item_id": "cola"}]}
PRACTICE = ("approval_given", "training_switched")


def code(problem: Any) -> str:
    return str(problem["type"]).rpartition(":")[2]


def test_a_page_in_training_rings_practice_and_touches_no_real_check(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        ana, tim = await store.signed_in(ANA), await store.signed_in(NEW, "side")
        real = await ana.post("/checks", ORDER)
        practice = await tim.post("/checks", ORDER)
        assert (real["ticket_code"], practice["ticket_code"]) == ("B-001", "T-001")
        for check, stranger, refusal in ((real, tim, "not_training"), (practice, ana, "training_check")):
            path = f"/checks/{check['check_id']}"
            for command, body in (
                ("lines", LINES),
                ("send", {}),
                ("tenders", {"tender": "cash"}),
                ("void", {"reason": "left"}),
                ("receipt", {}),
                ("await", {"tender": "card"}),
            ):
                problem = await stranger.post(f"{path}/{command}", body, status=422)
                assert code(problem) == refusal, command
                assert problem["hint"]
            shown = await store.register.get(path)
            assert (shown["state"], len(shown["lines"]), shown["awaiting"]) == ("open", 1, "")
        sold = await tim.post(f"/checks/{practice['check_id']}/tenders", {"tender": "cash", "tendered_minor": 5000})
        assert sold["state"] == "closed"
        assert [job["document_class"] for job in sold["jobs"] if job["document_class"] == "drawer_pulse"] == []
        assert (await store.register.get("/books"))["checks_closed"] == 0
        assert (await ana.post(f"/checks/{real['check_id']}/tenders", {"tender": "cash"}))["state"] == "closed"
        assert (await store.register.get("/books"))["checks_closed"] == 1

    in_store(staffed(tmp_path), scene)


def test_who_switches_training_on_changes_sides(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        boss = await store.signed_in(BOSS)
        real = await boss.post("/checks", ORDER)
        await boss.post("/session/training", {"on": True})
        assert code(await boss.post(f"/checks/{real['check_id']}/lines", LINES, status=422)) == "not_training"
        assert code(await boss.post("/no-sales", {"drawer": "drawer", "reason": "look"}, status=422)) == "training_no_sale"
        said = {"kind": "item", "subject_id": "cola", "state": "sold_out"}
        assert code(await boss.post("/availability", said, status=422)) == "training_availability"
        practice = await boss.post("/orders", ORDER | {"tenders": [{"tender": "cash"}]})
        assert practice["ticket_code"] == "T-001"
        await boss.post("/session/training", {"on": False})
        await boss.post(f"/checks/{real['check_id']}/lines", LINES)
        refund = {"tender": "cash", "reason": "cold"}
        assert code(await boss.post(f"/checks/{practice['check_id']}/refunds", refund, status=422)) == "training_check"
        books = await store.register.get("/books")
        assert (books["checks_opened"], books["no_sales"], books["refund_minor"]) == (1, 0, 0)

    in_store(staffed(tmp_path), scene)


def test_a_managers_word_ends_practice_once_and_is_in_the_journal_with_both_names(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        tim = await store.signed_in(NEW)
        await tim.post("/session/training", {"on": False}, approval=await tim.approval(BOSS, "training_off"))
        word = await tim.approval(BOSS, "training_off")
        assert (await tim.post("/session/training", {"on": False}, approval=word))["training"] is False, "it has ended already"
        await tim.post("/session/training", {"on": True})
        assert (await tim.post("/session/training", {"on": False}, approval=word))["training"] is False, "nothing had used it"
        await tim.post("/session/training", {"on": True})
        assert code(await tim.post("/session/training", {"on": False}, approval=word, status=403)) == "approval_needed"

    in_store(staffed(tmp_path), scene)
    events = [(kind, body) for kind, body in stored(tmp_path / "data" / "journal.db") if kind in PRACTICE]
    assert [kind for kind, _body in events] == [*PRACTICE, "training_switched", *PRACTICE, "training_switched"]
    said = {(body["approver"], body["employee"], body["command"]) for kind, body in events if kind == "approval_given"}
    assert said == {("mia", "tim", "set_training")}


def test_a_page_in_training_keeps_its_hands_off_real_papers(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        ana, tim = await store.signed_in(ANA), await store.signed_in(NEW, "side")
        await ana.post("/orders", ORDER)  # this one is being sent, the others wait behind it
        (real,) = (await ana.post("/orders", ORDER))["jobs"]
        sold = await tim.post("/orders", ORDER | {"tenders": [{"tender": "cash"}]})
        practice = sold["jobs"][-1]
        for what in ("cancel", "release"):
            assert code(await tim.post(f"/jobs/{real['job_id']}/{what}", status=422)) == "not_training"
        assert (await store.register.get(f"/jobs/{real['job_id']}"))["state"] == "queued"
        assert (await ana.post(f"/jobs/{real['job_id']}/cancel"))["state"] == "expired"
        assert (await tim.post(f"/jobs/{practice['job_id']}/cancel"))["state"] == "expired"

    in_store(staffed(tmp_path), scene)


def test_the_kitchen_says_86_without_a_session_and_the_register_with_a_name(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        kitchen, ben = store.page(), await store.signed_in(BEN, "side")
        await kitchen.post("/availability", {"kind": "item", "subject_id": "cola", "state": "sold_out"})
        await ben.post("/availability", {"kind": "item", "subject_id": "fries", "state": "counting", "remaining": 1})
        entries = (await store.register.get("/availability"))["entries"]
        assert {entry["subject_id"]: entry["by"] for entry in entries} == {"cola": "", "fries": "ben"}
        order = {"order_type": "takeout", "lines": [{"item_id": "fries"}, {"item_id": "cola"}]}
        problem = await ben.post("/orders", order, status=422)
        assert (code(problem), problem["name"]) == ("sold_out", "Cola")
        await ben.post("/availability", {"kind": "item", "subject_id": "cola", "state": "available"})
        await ben.post("/orders", order)
        (entry,) = (await store.register.get("/availability"))["entries"]
        assert (entry["subject_id"], entry["state"], entry["by"]) == ("fries", "sold_out", "")

    in_store(staffed(tmp_path), scene)
