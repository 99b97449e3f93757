"""Signing in on a page, seen from outside."""

from pathlib import Path

from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BEN, BOSS, NEW, WRONG
from tests.till.world import COLA


def test_a_pin_opens_a_session_and_the_session_says_who_it_is(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        page = store.page()
        made = await page.sign_in(ANA)
        assert (made["employee"], made["name"], made["roles"]) == ("ana", "Ana", ["cashier"])
        assert (made["terminal"], made["training"], made["clocked"]) == ("front", False, "out")
        assert "ring" in made["permissions"]
        assert "refund" not in made["permissions"]
        assert len(made["session"]) >= 43
        again = await page.get("/session")
        assert again == made | {"session": ""}

    in_store(staffed(tmp_path), scene)


def test_a_page_rings_only_with_somebody_signed_in(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        page = store.page()
        order = {"order_type": "takeout", "lines": [COLA], "by": "somebody else"}
        refused = await page.post("/orders", order, status=401)
        assert refused["type"].endswith(":sign_in_needed")
        assert (await page.get("/checks"))["checks"] == []
        await page.sign_in(ANA)
        check = await page.post("/orders", order)
        await page.post(f"/checks/{check['check_id']}/tenders", {"tender": "cash", "by": "nobody"})
        opened = (await page.get(f"/checks/{check['check_id']}"))["terminal"]
        assert opened == "front"
        await page.post("/sign-out")
        assert (await page.post("/orders", order, status=401))["type"].endswith(":sign_in_needed")
        assert (await page.get("/session", status=401))["type"].endswith(":sign_in_needed")

    in_store(staffed(tmp_path), scene)


def test_a_second_person_at_a_terminal_takes_its_place(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        first, elsewhere = await store.signed_in(ANA), await store.signed_in(ANA, "side")
        second = await store.signed_in(BEN)
        assert (await second.get("/session"))["employee"] == "ben"
        await first.get("/session", status=401)
        assert (await elsewhere.get("/session"))["employee"] == "ana"

    in_store(staffed(tmp_path), scene)


def test_a_wrong_pin_is_counted_down_and_locks_the_terminal_only(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        page = store.page()
        left = [(await page.post("/sign-in", {"pin": pin}, status=401))["tries_left"] for pin in WRONG[:4]]
        assert left == [4, 3, 2, 1]
        locked = await page.post("/sign-in", {"pin": WRONG[4]}, status=429)
        assert (locked["type"].rpartition(":")[2], locked["retry_after_s"]) == ("locked_out", 30)
        right = await page.post("/sign-in", {"pin": ANA.pin}, status=429)
        assert 0 < right["retry_after_s"] <= 30
        await store.signed_in(ANA, "side")
        for name in ("nowhere", "", "Front"):
            unknown = await store.page(name).post("/sign-in", {"pin": ANA.pin}, status=404)
            assert unknown["type"].endswith(":unknown_terminal")

    in_store(staffed(tmp_path), scene)


def test_who_is_new_always_practises_and_a_manager_ends_it(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        page = store.page()
        assert (await page.sign_in(NEW))["training"] is True
        refused = await page.post("/session/training", {"on": False}, status=403)
        assert (refused["type"].rpartition(":")[2], refused["permission"]) == ("approval_needed", "training_off")
        approval = await page.approval(BOSS, "training_off")
        assert (await page.post("/session/training", {"on": False}, approval=approval))["training"] is False
        assert (await page.get("/session"))["training"] is False
        assert (await (await store.signed_in(ANA, "side")).post("/session/training", {"on": True}))["training"] is True

    in_store(staffed(tmp_path), scene)
