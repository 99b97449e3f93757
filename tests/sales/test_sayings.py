"""What several registers said of one line of a check: whoever hears them, and in whatever order, comes to the same."""

import itertools
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sales.test_merge import Register, attributes, side_check, two
from tests.sales.world import line

from tillkeeper.contract import commands as cmd
from tillkeeper.errors import Refused
from tillkeeper.sales.changing_hands import yields
from tillkeeper.sales.model import Check

SAY = st.sampled_from(
    [
        ("course", 2), ("course", 3), ("course", 1), ("seat", 1), ("seat", 2), ("note", "no salt"), ("note", "rare"),
        ("order_type", "takeout"), ("order_type", "dine_in"), ("check", "takeout"), ("check", "dine_in"), ("hold", 0),
        ("fire", 0), ("add", 0),
    ]
)  # fmt: skip
SAYINGS = st.lists(st.tuples(SAY, st.integers(0, 2)), max_size=5)


def say(register: Register, sayings: Any) -> None:
    for (what, value), which in sayings:
        lines = register.open_check.lines
        line_id = lines[which % len(lines)].line_id
        asked: Any = cmd.ChangeLine(check_id="c", line_id=line_id, **{what: value}) if what in LINE else None
        if what == "check":
            asked = cmd.ChangeOrderType(check_id="c", order_type=value)
        if what == "hold":
            asked = cmd.HoldLines(check_id="c", line_ids=(line_id,))
        if what == "fire":
            asked = cmd.FireLines(check_id="c", line_ids=(line_id,), fire_at_ms=register.now_ms + 60_000)
        if what == "add":
            asked = cmd.AddLines(check_id="c", lines=(line("beer"),))
        register.now_ms += 1
        try:
            register.do(asked)
        except Refused:
            continue


LINE = ("course", "seat", "note", "order_type")


def found(check: Check) -> Any:
    return check.order_type, attributes(check), {one.line_id: one.fire_at_ms is None for one in check.lines}


@settings(deadline=None, max_examples=60)
@given(SAYINGS, SAYINGS, SAYINGS, SAYINGS, SAYINGS, SAYINGS, st.integers(0, 2**32))
def test_of_four_sides_the_same_holds_in_any_order_and_in_any_parts(
    before: Any, more: Any, there: Any, second: Any, third: Any, fourth: Any, seed: int
) -> None:
    """A opened it; B, C and D forked it at different places of A's log; B heard something of A in between. D has it."""
    chance = random.Random(seed)
    a = Register("A", {})
    a.do(cmd.OpenCheck(order_type="dine_in", lines=(line("burger", 2), line("steak", 1, "rare"))))
    say(a, before)
    at = len(a.log)
    b = Register("B", {})
    b.fork(a, at)
    say(a, more)
    c = Register("C", {})
    c.fork(a, len(a.log), hand=1)
    say(b, second[:2])
    b.merge(a, chance.randint(at, len(a.log)))
    say(b, second[2:])
    say(a, there)
    say(c, third)
    others = (a, b, c)
    later = chance.randint(at, len(a.log))
    results = []
    whole = [[(one, len(one.log) + 1) for one in order] for order in itertools.permutations(others)]
    parts = []
    for _ in range(8):
        steps = [one for one in others for _ in range(3)]
        chance.shuffle(steps)
        upto: dict[str, int] = {one.name: 1 for one in others}
        order = []
        for one in steps:
            upto[one.name] = chance.randint(upto[one.name], len(one.log))
            order.append((one, upto[one.name]))
        parts.append([*order, *((one, len(one.log) + 1) for one in others)])
    for one in others:
        one.write(yields(one.open_check, "D", 2))
    for order in [*whole, *parts]:
        d = Register("D", {})
        d.fork(a, later, hand=2)
        say(d, fourth)
        for other, end in order:
            if end > d.seen.get(other.name, 1):
                d.merge(other, end)
        results.append(found(d.open_check))
    assert all(one == results[0] for one in results)


def test_what_all_three_say_differently_is_told() -> None:
    a, b = two()
    burger = a.open_check.lines[0].line_id
    c = Register("C", {})
    c.fork(a, len(a.log), hand=2)
    for register, course in ((a, 2), (b, 4), (c, 3)):
        register.do(cmd.ChangeLine(check_id="c", line_id=burger, course=course))
    told = []
    for other in (a, b):
        other.write(yields(other.open_check, "C", 2))
        made = c.merge(other, len(other.log))
        assert made is not None
        told += [(one.code, one.register, one.subject, one.detail) for one in made.conflicts]
    assert told == [("changed_on_both", "A", burger, "course"), ("changed_on_both", "B", burger, "course")]
    assert c.open_check.lines[0].course == 4


def test_who_changes_it_after_hearing_the_others_has_the_last_word() -> None:
    a, b = two()
    burger = a.open_check.lines[0].line_id
    a.do(cmd.ChangeLine(check_id="c", line_id=burger, course=4))
    b.do(cmd.ChangeLine(check_id="c", line_id=burger, course=3))
    b.merge(a, len(a.log))
    assert b.open_check.lines[0].course == 4
    b.do(cmd.ChangeLine(check_id="c", line_id=burger, course=2))
    a.do(cmd.ChangeLine(check_id="c", line_id=burger, seat=7))
    a.write(yields(a.open_check, "B", 1))
    made = b.merge(a, len(a.log))
    assert made is not None
    assert made.conflicts == ()
    assert (b.open_check.lines[0].course, b.open_check.lines[0].seat) == (2, 7)
    assert side_check(b, len(b.log)) == b.open_check
