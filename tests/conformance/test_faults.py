"""Each way to get a duty wrong is found, by the checks of that duty and by no others."""

import asyncio

import pytest
from tests.conformance.small_hq import REGISTER, STORE, TOKEN, SmallHq
from tests.conformance.small_server import serving

from tillkeeper.conformance.model import Report
from tillkeeper.conformance.run import CHECKS, examine
from tillkeeper.trust.keys import KeyPair

AUTHORITY = bytes(range(32))
NUMBERS_AGAIN = "number-repeated number-on-paper-of-another parallel-senders"
FAULTS = {
    "any_log_inside": "other-log-inside",
    "any_register": "other-register relay-altered relay-forged relay-unknown-register relay-unsigned",
    "any_store": "other-store",
    "any_token": "token-missing token-wrong",
    "aside_twice": "poison-shown",
    "beat_numbers": "beat",
    "body_reprinted": "chain-over-bytes",
    "damage_stops": "chain-altered-body chain-altered-header chain-begins-with-zeros chain-other-prev-hash personal-rejected"
    " chain-goes-on-behind-damage held-over-rejected",
    "fork_moves_held": "fork-first-stays held-not-moved-by-forks",
    "fork_not_shown": "fork-shown",
    "fork_replaces": "fork-first-stays",
    "fork_stored": "fork-rejected",
    "gap_kept": "gap-keeps-nothing",
    "gap_sticks": "gap-closed-later gap-keeps-nothing",
    "gap_stored": "gap-retryable number-only-of-stored",
    "hash_unchecked": "chain-altered-body chain-altered-header personal-rejected",
    "held_of_register": "held-begins-at-0 held-moves held-not-moved-by-forks held-over-rejected held-per-log gap-retryable"
    " other-log-inside slow-sender token-missing token-wrong too-many-bytes too-many-bytes-packed too-many-events",
    "held_without_rejected": "held-over-rejected relay-after-leaving",
    "large_breaks": "too-many-bytes too-many-bytes-packed",
    "late_retry_lowers": "once-late-retry",
    "many_break": "too-many-events",
    "no_batch_breaks": "no-batch",
    "no_gzip": "gzip",
    "no_time": "hq-time",
    "number_early": "number-only-of-stored",
    "number_new_each_time": f"{NUMBERS_AGAIN} number-of-one-check number-on-paper-wins",
    "number_once": f"{NUMBERS_AGAIN} number-of-one-check number-on-paper-wins",
    "number_per_log": "number-of-one-check",
    "number_reused": "number-parallel number-unique",
    "number_too_long": "number-given",
    "one_at_a_time": "slow-sender",
    "witness_any_register": "witness-other-register",
    "witness_deaf": "witness-hears",
    "online_any_register": "online-other-register",
    "online_old_epoch": "online-older-epoch",
    "online_nobody": "online-primary",
    "paper_forgotten": "number-on-paper-is-used",
    "paper_ignored": "number-on-paper-is-used number-on-paper-wins",
    "paper_steals": "number-on-paper-of-another",
    "parallel_refused": "number-parallel parallel-senders",
    "erase_ignored": "personal-gone personal-late",
    "late_comes_back": "personal-late",
    "rejected_erases": "personal-rejected",
    "personal_dropped": "personal-kept personal-rejected",
    "personal_hashed": "personal-stored personal-late",
    "personal_needed": "personal-erased",
    "plain_errors": "problem-details",
    "poison_blocks": "poison-at-the-head poison-delays-nobody poison-rejected poison-shown held-over-rejected",
    "poison_renamed": "poison-rejected once-rejected-again",
    "poison_stored": "poison-rejected poison-shown",
    "prev_unchecked": "chain-begins-with-zeros chain-other-prev-hash",
    "rejected_forgotten": "once-rejected-again",
    "left_goes_on": "relay-after-leaving",
    "relay_any_key": "relay-forged relay-unknown-register relay-after-leaving",
    "relay_beat_refused": "relay-beat",
    "relay_uncovered": "relay-altered",
    "relay_unsigned": "relay-unsigned other-register",
    "repeat_counted": "once-counted-once",
    "repeat_is_fork": f"{NUMBERS_AGAIN} once-same-batch once-overlapping-batch once-late-retry once-rejected-again"
    " fork-first-stays number-on-paper-wins personal-erased personal-late relay-stored",
    "repeat_kept": "once-kept-once personal-late",
    "small_batches": "whole-batch",
    "strict_fields": "unknown-fields",
    "unknown_reprinted": "unknown-kept-byte-for-byte",
    "unknown_type_rejected": "unknown-type-stored",
    "version_rejected": "unknown-version-stored",
}


def examined(fault: str = "", seed: int = 1, **options: float) -> Report:
    async def scenario() -> Report:
        async with serving(SmallHq(fault, seed, KeyPair(AUTHORITY).key)) as url:
            return await examine(url, TOKEN, STORE, REGISTER, authority=AUTHORITY, **options)  # type: ignore[arg-type]

    return asyncio.run(scenario())


def test_an_hq_written_from_the_page_conforms() -> None:
    report = examined()
    assert report.conforms
    assert [one.check for one in report.results if one.verdict == "skipped"] == ["durable"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_the_checks_of_its_duty_alone(fault: str) -> None:
    report = examined(fault, timeout_s=3 if fault == "one_at_a_time" else 20)
    assert report.failed == set(FAULTS[fault].split()), {one.check: one.reason for one in report.results if one.reason}
    assert not report.conforms
    for one in report.results:
        if one.verdict == "failed":
            assert one.reason
            assert one.sentence
            assert one.exchanges, one.check
            assert all(exchange.sent for exchange in one.exchanges)


def test_every_check_but_one_can_fail() -> None:
    """None is there that no wrong server fails, but the one that says that it can not be tested from outside."""
    can = {name for checks in FAULTS.values() for name in checks.split()}
    assert {check.name for check in CHECKS} - can == {"durable"}


@pytest.mark.parametrize("seed", range(1, 4))
def test_what_fails_only_at_times_is_found(seed: int) -> None:
    duties = FAULTS["repeat_is_fork"].split()
    failed = examined("repeat_is_fork_at_times", seed).failed
    assert failed
    assert failed <= {*duties, "poison-shown", "number-of-one-check"}


def test_what_is_not_shown_is_skipped_with_the_reason() -> None:
    report = examined("shows_nothing")
    skipped = {one.check: one.reason for one in report.results if one.verdict == "skipped"}
    assert set(skipped) == {
        "durable", "once-counted-once", "once-kept-once", "fork-shown", "poison-shown", "unknown-kept-byte-for-byte",
        "personal-kept", "personal-gone", "personal-late", "personal-rejected",
    }  # fmt: skip
    assert all("not offered" in reason for check, reason in skipped.items() if check != "durable")
    assert report.conforms


def test_a_run_ends_when_its_time_is_up() -> None:
    report = examined("one_at_a_time", timeout_s=20, deadline_s=2)
    assert report.counts["not_run"] >= 1
    assert not report.conforms


def test_each_duty_has_checks() -> None:
    duties = {check.clause.name for check in CHECKS}
    assert {str(n) for n in range(1, 11)} <= duties
    assert len({check.name for check in CHECKS}) == len(CHECKS)
