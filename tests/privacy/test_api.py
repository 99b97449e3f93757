"""Who may look for texts about persons and erase them, and what is refused."""

from pathlib import Path

from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BOSS
from tests.till.world import COLA

NAME = "Zaphod Beeblebrox"


def test_a_manager_finds_and_erases_a_cashier_does_not(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        cashier, boss = await store.signed_in(ANA), await store.signed_in(BOSS, "side")
        order = {"order_type": "takeout", "lines": [COLA], "name": NAME}
        check_id = (await cashier.post("/orders", order))["check_id"]
        await cashier.post("/privacy/find", {"text": NAME}, status=403)
        (found,) = (await boss.post("/privacy/find", {"text": "beeblebrox"}))["texts"]
        assert (found["text"], found["check_id"], found["place"]) == (NAME, check_id, "journal")
        await cashier.post("/orders", order | {"name": "Trillian Astra"})
        (one,) = (await boss.post("/privacy/find", {"text": " ", "check": check_id}))["texts"]
        assert one["text"] == NAME, "of that check alone"
        await cashier.post("/privacy/erase", {"digests": [found["digest"]]}, status=403)
        made = await boss.post("/privacy/erase", {"digests": [found["digest"]] * 2})
        assert (made["digests"], made["erased"]) == (1, 1)
        assert (await boss.post("/privacy/erase", {"digests": [found["digest"]]}))["erased"] == 0
        check = await cashier.get(f"/checks/{check_id}")
        assert (check["name"], check["erased"]) == (None, ["name"])

    in_store(staffed(tmp_path), scene)


def test_it_must_be_said_what_is_meant(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        boss = await store.signed_in(BOSS)
        for asked in ({}, {"text": " "}, {"text": "x", "check": "B-001"}):
            await boss.post("/privacy/find", asked, status=422)
        for asked in ({}, {"digests": []}, {"digests": ["x"]}, {"digests": ["0" * 64] * 501}):
            await boss.post("/privacy/erase", asked, status=422)

    in_store(staffed(tmp_path), scene)
