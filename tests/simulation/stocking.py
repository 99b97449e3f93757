"""What has to hold of 86, found out from the events by rules of its own."""

from collections.abc import Iterable

from tillkeeper.contract.availability import AvailabilityCounted, AvailabilitySet
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.placing import read_event
from tillkeeper.sales.stock import Stock

Said = dict[str, tuple[str, str, int]]
"""item -> the word that holds, what it says, and how many are left of a countdown."""


def known(stock: Stock) -> Said:
    """What one register goes by."""
    found = {}
    for subject, word in stock.words.items():
        level = stock.of(subject, marked=False)
        found[subject[1]] = (word.word, word.state, (level.remaining or 0) if level is not None else 0)
    return found


def said(events: Iterable[Envelope]) -> Said:
    """What it comes to when everything that was ever said has been heard."""
    words: dict[str, AvailabilitySet] = {}
    order: dict[str, tuple[int, str, str]] = {}
    counts: dict[tuple[str, str], dict[tuple[str, str], list[int]]] = {}
    for envelope in events:
        match read_event(envelope):
            case AvailabilitySet() as word if word.word:
                place = (word.stamp_ms, envelope.register, word.word)
                if place > order.get(word.subject_id, (0, "", "")):
                    words[word.subject_id], order[word.subject_id] = word, place
            case AvailabilityCounted() as count:
                under = counts.setdefault((count.subject_id, count.word), {})
                of = under.setdefault((envelope.register, count.counter), [0, 0])
                of[0], of[1] = max(of[0], count.taken), max(of[1], count.returned)
    found = {}
    for item, word in words.items():
        taken = sum(took - gave for took, gave in counts.get((item, word.word), {}).values())
        left = (word.remaining or 0) - taken if word.state == "counting" else 0
        found[item] = (word.word, word.state, left)
    return found
