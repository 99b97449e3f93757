"""Wrong PINs: the waits, and that neither clocks nor restarts shorten them."""

import asyncio
import random
from pathlib import Path

import pytest
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, WRONG

from tillkeeper.people import lockout, pins
from tillkeeper.people.lockout import Tries
from tillkeeper.people.refusals import PinWrong
from tillkeeper.people.roster import Member, Roster
from tillkeeper.people.sessions import Now
from tillkeeper.till.pinpad import PinPad


def now(boot_s: float, boot: str = "a", wall_ms: int = 0) -> Now:
    return Now(wall_ms, boot_s, boot)


def fail(tries: Tries, times: int, at: Now) -> Tries:
    for _ in range(times):
        tries = lockout.wrong(lockout.settled(tries, at), at).tries
    return tries


def test_five_wrong_ones_lock_and_each_lock_is_twice_as_long_up_to_a_quarter_of_an_hour() -> None:
    tries, boot_s, waits = Tries(), 0.0, []
    for _ in range(8):
        tries = fail(tries, 5, now(boot_s))
        waits.append(tries.wait_s)
        boot_s += max(tries.wait_s, 5 * lockout.FORGET_S)  # slowly, so that the long count stays out of it
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_the_wait_is_counted_on_the_boot_clock_and_begins_anew_after_a_reboot() -> None:
    tries = fail(Tries(), 5, now(1000.0))
    for wall_ms in (0, 10**15):
        assert lockout.remaining_s(lockout.settled(tries, now(1010.0, wall_ms=wall_ms)), now(1010.0, wall_ms=wall_ms)) == 20
    assert lockout.remaining_s(lockout.settled(tries, now(1030.0)), now(1030.0)) == 0
    rebooted = lockout.settled(tries, now(5.0, "b"))
    assert lockout.remaining_s(rebooted, now(5.0, "b")) == 30
    assert lockout.remaining_s(rebooted, now(35.0, "b")) == 0


def test_a_right_pin_between_wrong_ones_does_not_help_to_try_them_all() -> None:
    """Somebody with a PIN of their own tries four, signs in, tries four more, as fast as the agent answers, for a day."""
    tries, boot_s, tried = Tries(), 0.0, 0
    while boot_s < 86_400:
        for _ in range(4):
            tries = lockout.settled(tries, now(boot_s))
            boot_s += lockout.remaining_s(tries, now(boot_s))
            tries = lockout.wrong(tries, now(boot_s)).tries
            tried += 1
            boot_s += 0.05
        boot_s += lockout.remaining_s(tries, now(boot_s))
        tries = lockout.right(tries)
    assert tried < 86_400 / lockout.FORGET_S + 2 * lockout.RECENT


@pytest.mark.parametrize("seed", range(5))
def test_nobody_gets_more_than_so_many_tries_an_hour(seed: int) -> None:
    chance, tries, boot_s, times = random.Random(seed), Tries(), 0.0, []
    while boot_s < 50_000:
        at = now(boot_s)
        tries = lockout.settled(tries, at)
        if lockout.remaining_s(tries, at) == 0:
            if chance.random() < 0.3:
                tries = lockout.right(tries)
            tries = lockout.wrong(tries, at).tries
            times.append(boot_s)
        boot_s += chance.choice((0.05, 1.0, 30.0))
    assert all(sum(begin <= one < begin + 3600 for one in times) <= lockout.RECENT + 3600 / lockout.FORGET_S for begin in times)


def test_who_is_taken_off_while_the_right_pin_is_being_written_down_is_nobody() -> None:
    """An approval that such a one gave would outlive the list that it was given under."""
    mia = Member(employee="mia", name="Mia", roles=("manager",), pin=pins.digest("402915", "secret", "store-1"))
    rosters = [Roster(store="store-1", secret_id="s", members=(mia,))]
    counted: list[Tries] = []

    async def count(_terminal: str, tries: Tries) -> None:
        counted.append(tries)
        rosters.append(Roster(store="store-1", secret_id="s"))

    one_wrong = fail(Tries(), 1, now(0.0))
    pad = PinPad("secret", "store-1", lambda: now(1.0), lambda _terminal: one_wrong, count)

    async def scene() -> None:
        with pytest.raises(PinWrong):
            await pad.who("approve", "402915", "front", lambda: rosters[-1])

    asyncio.run(scene())
    assert [tries.row for tries in counted] == [0, 1]


def test_a_lock_outlives_a_restart_and_is_in_the_journal(tmp_path: Path) -> None:
    async def before(store: Store) -> None:
        for pin in WRONG[:4]:
            await store.page().post("/sign-in", {"pin": pin}, status=401)

    async def between(store: Store) -> None:
        locked = await store.page().post("/sign-in", {"pin": WRONG[4]}, status=429)
        assert locked["retry_after_s"] == 30

    async def after(store: Store) -> None:
        answer = await store.page().call("POST", "/sign-in", {"pin": ANA.pin})
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 30

    config = staffed(tmp_path)
    for scene in (before, between, after):
        in_store(config, scene)
    assert b'"terminal":"front"' in (tmp_path / "data" / "journal.db").read_bytes()
    assert b"sign_in_locked_out" in (tmp_path / "data" / "journal.db").read_bytes()


def test_many_tries_at_once_are_counted_one_by_one(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        page = store.page()
        answers = await asyncio.gather(*(page.call("POST", "/sign-in", {"pin": f"90{number:04d}"}) for number in range(60)))
        counts = {status: sum(answer.status_code == status for answer in answers) for status in (401, 429, 503)}
        assert counts[401] == 4
        assert counts[503] > 0, "so many PINs at a time are more than are hashed"
        assert sum(counts.values()) == 60
        assert (await page.call("POST", "/sign-in", {"pin": ANA.pin})).status_code == 429

    in_store(staffed(tmp_path), scene)
