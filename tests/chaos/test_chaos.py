"""A small run of `make chaos`, and that the judge sees what it is there for."""

from tests.chaos.__main__ import chaos
from tests.chaos.kitchen import Kitchen
from tests.killloop.paper import Print

TICKETS = 300


def test_three_hundred_tickets_none_lost_and_no_repeat_without_a_mark() -> None:
    tally = chaos(TICKETS, seed=11)
    assert tally.lost == tally.well_and_slow == []
    assert tally.unmarked == []
    assert sum(tally.faults.values()) == TICKETS // 20
    assert sum(tally.ends.get(state, 0) for state in ("confirmed", "sent")) >= TICKETS
    assert tally.ends["sent"] > 0, "of the printer that can not confirm"
    assert not [state for state in tally.ends if state.startswith("left")], "everything came to its end"


def test_the_judge_sees_a_lost_ticket_and_a_repeat_without_a_mark() -> None:
    def paper(code: str, *marks: str, text: str = "") -> Print:
        return Print("grill", "ticket", code, marks, "Grill", text or f"last{code}".lower().replace("-", ""))

    kitchen = Kitchen(4, seed=0)
    kitchen.prints += [
        paper("T-00001"),
        paper("T-00002", text="1xburger"),  # torn: the last line is missing
        paper("T-00003"),
        paper("T-00003"),
        paper("T-00004"),
        paper("T-00004", "POSSIBLE DUPLICATE"),
    ]
    kitchen.judge()
    assert [words[:7] for words in kitchen.tally.lost] == ["T-00002"]
    assert kitchen.tally.unmarked == ["T-00003"]
    assert kitchen.tally.well_and_slow == []
    assert kitchen.tally.repeats == 1
