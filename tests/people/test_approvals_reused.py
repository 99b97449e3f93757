"""One word of a manager is good for one command: whatever is tried with it again, at the same time, with another body, after a
restart, or at another register."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cards.world import config_with
from tests.people.test_approvals import NO_SALE, Clock, caller_with
from tests.people.test_secrets import stored
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BOSS, COOK, Page, with_staff
from tests.till.world import BURGERS, COLA

from tillkeeper.people.refusals import ApprovalNeeded
from tillkeeper.till.approvals import Approvals
from tillkeeper_drivers.simulator.gateway import VirtualGateway

ORDER = {"order_type": "takeout", "lines": [COLA], "tenders": [{"tender": "cash"}]}
Try = tuple[str, dict[str, Any]]


def refused(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


@pytest.mark.parametrize(
    ("permission", "tries"),
    [
        ("close_day", [("/day/close", {}), ("/registers/front/park", {"reason": "x"}), ("/day/close", {})]),
        ("take_over", [("/checks/{check}/take", {}), ("/checks/{other}/take", {}), ("/checks/{check}/take", {})]),
        ("assign_roles", [("/roles/assign", {"primary": "front"}), ("/roles/assign", {"primary": "front"})]),
    ],
)
def test_of_many_commands_at_once_one_word_lets_one_through(tmp_path: Path, permission: str, tries: list[Try]) -> None:
    async def scene(store: Store) -> None:
        page = await store.signed_in(ANA)
        await page.post("/orders", ORDER)
        ids = {name: (await page.post("/checks", {"order_type": "dine_in", "lines": [COLA]}))["check_id"] for name in NAMES}
        if permission == "take_over":
            page = await store.signed_in(COOK)
        approval = await page.approval(BOSS, permission)
        calls = [page.call("POST", path.format(**ids), body, approval=approval) for path, body in tries]
        answers = await asyncio.gather(*calls)
        assert sorted(one.status_code for one in answers) == [200, *[403] * (len(tries) - 1)], [one.text for one in answers]
        for path, body in tries:
            again = await page.call("POST", path.format(**ids), body, approval=approval)
            assert (again.status_code, refused(again)) == (403, "approval_needed")

    in_store(staffed(tmp_path), scene)


NAMES = ("check", "other")


def test_a_key_with_another_body_is_a_conflict_and_uses_nothing_up(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        page = await store.signed_in(ANA)
        await page.post("/orders", ORDER)
        first = await page.approval(BOSS, "close_day")
        closed = await page.post("/day/close", key="close", approval=first)
        day = closed["entity_id"]
        assert await page.post("/day/close", key="close") == closed, "asked again for its answer: nobody's word is needed"
        second = await page.approval(BOSS, "close_day")
        for body in ({"day": day}, {"print_report": False}):
            await page.post("/day/close", body, key="close", approval=second, status=409)
        await page.post("/day/gaps", {"register": "front", "reason": "x"}, key="close", approval=second, status=409)
        await page.post("/orders", ORDER)
        await page.post("/day/close", key="close-2", approval=first, status=403)
        assert (await page.post("/day/close", key="close-2", approval=second))["entity_id"] > day
        await page.post("/day/close", key="close-3", approval=second, status=403)

    in_store(staffed(tmp_path), scene)
    given = [body for kind, body in stored(tmp_path / "data" / "journal.db") if kind == "approval_given"]
    assert [(one["command"], one["approver"], one["employee"]) for one in given] == [("close_day", "mia", "ana")] * 2


def test_a_word_outlives_no_restart_and_is_good_at_no_other_register(tmp_path: Path) -> None:
    kept: list[Any] = []

    async def before(store: Store) -> None:
        page = await store.signed_in(ANA)
        await page.post("/orders", ORDER)
        closed = await page.post("/day/close", key="close", approval=await page.approval(BOSS, "close_day"))
        await page.post("/orders", ORDER)
        kept.extend((closed, await page.approval(BOSS, "close_day"), page.session))

    async def again(store: Store) -> None:
        page = store.page()
        page.session = kept[2]
        assert await page.post("/day/close", key="close") == kept[0]
        await page.post("/day/close", key="close-2", approval=kept[1], status=403)
        await page.post("/day/close", key="close-2", approval=await page.approval(BOSS, "close_day"))

    async def elsewhere(store: Store) -> None:
        page = await store.signed_in(ANA)
        await page.post("/orders", ORDER)
        await page.post("/day/close", approval=kept[1], status=403)

    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    config = staffed(tmp_path / "one")
    in_store(config, before)
    in_store(config, again)
    in_store(staffed(tmp_path / "two"), elsewhere)


def test_a_word_that_was_in_use_while_the_roster_changed_does_not_come_back() -> None:
    """The command came to nothing, which gives an approval back; who gave it may have been taken off meanwhile."""
    approvals = Approvals(Clock())
    caller = caller_with(approvals, approvals.add("mia", "ana", "front", "no_sale"))

    def fails_meanwhile() -> None:
        with approvals.permitted(NO_SALE, None, caller):
            approvals.forget()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails_meanwhile()
    with pytest.raises(ApprovalNeeded), approvals.permitted(NO_SALE, None, caller):
        pass


def with_gateway(folder: Path, gateway: VirtualGateway, scene: Callable[[Store, Page, str], Any]) -> None:
    """A check that is frozen by a card payment without an answer, and a cook, who may take no payments."""
    config = with_staff(config_with(folder, gateway), folder)

    async def run(store: Store) -> None:
        await store.register.post("/mode/offsite", {"on": True})
        made = await store.register.post("/checks", {"order_type": "takeout", "lines": [BURGERS]})
        gateway.order("lost_before", *["error_before"] * 500, on="any")
        await store.register.post(f"/checks/{made['check_id']}/tenders", {"tender": "card"}, status=422)
        await scene(store, await store.signed_in(COOK), made["check_id"])

    in_store(config, run)


def test_giving_up_a_payment_by_a_managers_word_is_in_the_journal_and_uses_the_word_up(tmp_path: Path) -> None:
    async def scene(_store: Store, page: Page, check_id: str) -> None:
        abandon = f"/checks/{check_id}/authorisation/abandon"
        await page.post(abandon, status=403)
        approval = await page.approval(BOSS, "tender")
        done = await page.post(abandon, approval=approval, key="give-up")
        assert await page.post(abandon, key="give-up") == done
        await page.post(f"/checks/{check_id}/tenders", {"tender": "cash"}, approval=approval, status=403)

    async def run() -> None:
        async with VirtualGateway(token="s3cret-of-the-gateway") as gateway:
            await asyncio.to_thread(with_gateway, tmp_path, gateway, scene)

    asyncio.run(run())
    events = stored(tmp_path / "data" / "journal.db")
    kinds = [kind for kind, _ in events]
    assert events[kinds.index("reversal_owed") - 1] == (
        "approval_given", events[kinds.index("approval_given")][1] | {"approver": "mia", "command": "abandon_authorisation"},
    )  # fmt: skip


def test_asking_after_a_payment_by_a_managers_word_uses_it_up_also_where_nobody_answers(tmp_path: Path) -> None:
    async def scene(_store: Store, page: Page, check_id: str) -> None:
        query = f"/checks/{check_id}/authorisation/query"
        approval = await page.approval(BOSS, "tender")
        async with asyncio.timeout(20):
            while True:  # the background may be asking at this moment: then nothing was done, and the word is still good
                answer = await page.call("POST", query, approval=approval)
                if refused(answer) != "check_frozen":
                    break
        assert (answer.status_code, refused(answer)) == (422, "authorisation_unknown")
        await page.post(f"/checks/{check_id}/authorisation/abandon", approval=approval, status=403)

    async def run() -> None:
        async with VirtualGateway(token="s3cret-of-the-gateway") as gateway:
            await asyncio.to_thread(with_gateway, tmp_path, gateway, scene)

    asyncio.run(run())
