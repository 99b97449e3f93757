"""Duty 9: check numbers."""

import asyncio

from tillkeeper.conformance import clauses
from tillkeeper.conformance.checking import Bench, Checks, same, verdicts
from tillkeeper.conformance.logs import Log
from tillkeeper.conformance.model import Broken
from tillkeeper.contract.envelope import MAX_NUMBER, HqAnswer

check = Checks()
MANY = 40
ASIDE = 3
"""How far ahead a number from paper is: a few, so that a run uses up few."""


def numbers(answer: HqAnswer, *wanted: str) -> list[int]:
    """Of these checks, in their order. Raises Broken where one has none."""
    found = {one.check_id: one.number for one in answer.numbers}
    if missing := [one for one in wanted if one not in found]:
        raise Broken(f"no number for {len(missing)} of {len(wanted)} checks: {', '.join(missing[:5])}")
    return [found[one] for one in wanted]


def opening(bench: Bench, count: int) -> tuple[Log, list[str]]:
    """A log in which so many checks are opened and voided; their ids."""
    log = bench.log()
    ids = [bench.name() for _ in range(count)]
    for check_id in ids:
        log.open(check_id)
        log.void(check_id)
    return log, ids


@check("number-given", clauses.NUMBER)
async def number_given(bench: Bench) -> None:
    log, ids = opening(bench, 3)
    for number in numbers(await bench.wire.send(log.batch()), *ids):
        if not 0 < number <= MAX_NUMBER:
            raise Broken(f"{number} is not within 1 to {MAX_NUMBER}")


@check("number-unique", clauses.NUMBER_REUSE)
async def number_unique(bench: Bench) -> None:
    """Also over several batches and logs, and after checks were voided."""
    found: list[int] = []
    for _ in range(2):
        log, ids = opening(bench, MANY // 2)
        found += numbers(await bench.wire.send(log.batch(1, MANY // 2)), *ids[: MANY // 4])
        found += numbers(await bench.wire.send(log.batch(MANY // 2 + 1)), *ids[MANY // 4 :])
    twice = sorted({number for number in found if found.count(number) > 1})
    same(twice, [], "numbers that two checks have")


@check("number-repeated", clauses.NUMBER_AGAIN)
async def number_repeated(bench: Bench) -> None:
    log, ids = opening(bench, 3)
    first = numbers(await bench.wire.send(log.batch()), *ids)
    same(numbers(await bench.wire.send(log.batch()), *ids), first, "the numbers, sent a second time")
    log.note()
    same(numbers(await bench.wire.send(log.batch(3)), *ids[1:]), first[1:], "the numbers, in an overlapping batch")


@check("number-of-one-check", clauses.NUMBER)
async def number_of_one_check(bench: Bench) -> None:
    """A check that is told of in two logs (its register was re-imaged and got its events back) has one number."""
    one, ids = opening(bench, 1)
    other = bench.log()
    other.open(ids[0])
    other.void(ids[0])
    first = numbers(await bench.wire.send(one.batch()), *ids)
    same(numbers(await bench.wire.send(other.batch()), *ids), first, "the number, told in a second log")


@check("number-only-of-stored", clauses.NUMBER)
async def number_only_of_stored(bench: Bench) -> None:
    log = bench.notes(1)
    check_id = bench.name()
    log.open(check_id)
    answer = await bench.wire.send(log.batch(2))
    verdicts(answer, "retryable")
    same([one.number for one in answer.numbers], [], "numbers for a check whose event was not stored")


@check("number-on-paper-wins", clauses.NUMBER_PAPER)
async def number_on_paper(bench: Bench) -> None:
    log, ids = opening(bench, 1)
    first = numbers(await bench.wire.send(log.batch()), *ids)[0]
    log.numbered(ids[0], first + ASIDE)
    await bench.wire.send(log.batch(3))
    same(numbers(await bench.wire.send(log.batch(1, 1)), *ids), [first + ASIDE], "the number of a check that has it on paper")


@check("number-on-paper-is-used", clauses.NUMBER_REUSE)
async def number_on_paper_is_used(bench: Bench) -> None:
    """Neither the number on paper nor the one that it replaced is given to another check."""
    log, ids = opening(bench, 1)
    first = numbers(await bench.wire.send(log.batch()), *ids)[0]
    log.numbered(ids[0], first + ASIDE)
    await bench.wire.send(log.batch(3))
    later, more = opening(bench, 2 * ASIDE)
    given = numbers(await bench.wire.send(later.batch()), *more)
    same(sorted({first, first + ASIDE} & set(given)), [], "numbers that were in use and are given again")


@check("number-on-paper-of-another", clauses.NUMBER_PAPER)
async def number_of_another(bench: Bench) -> None:
    log, ids = opening(bench, 2)
    first = numbers(await bench.wire.send(log.batch()), *ids)
    log.numbered(ids[1], first[0])
    await bench.wire.send(log.batch(5))
    again = numbers(await bench.wire.send(log.batch(1, 4)), *ids)
    same(again, first, "the numbers of two checks, one of which claims the other's")


@check("number-parallel", clauses.NUMBER_REUSE)
async def number_parallel(bench: Bench) -> None:
    """Several registers' worth of logs at the same moment."""
    made = [opening(bench, 5) for _ in range(8)]
    answers = await asyncio.gather(*(bench.wire.send(log.batch()) for log, _ in made))
    found = [number for answer, (_, ids) in zip(answers, made, strict=True) for number in numbers(answer, *ids)]
    same(len(set(found)), len(found), "different numbers among those given at the same moment")
