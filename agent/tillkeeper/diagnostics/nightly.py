"""What the night's work found, as advisories. That it has not run is one too: nobody knows then whether the books are whole."""

from collections.abc import Iterator

from tillkeeper.diagnostics.advisory import Advisory, Found
from tillkeeper.diagnostics.facts import Facts
from tillkeeper.diagnostics.words import duration_words

MISSED_S = 3 * 86_400.0
FULL_SOON_DAYS = 30.0


def damaged(facts: Facts) -> Iterator[Found]:
    for problem in facts.nightly.problems:
        yield Found({"problem": problem})


def missed(facts: Facts) -> Iterator[Found]:
    nightly = facts.nightly
    if nightly.age_s is not None and nightly.age_s > MISSED_S:
        yield Found({"since": f"were last checked {duration_words(nightly.age_s)} ago"})
    elif nightly.age_s is None and nightly.in_use_s is not None and nightly.in_use_s > MISSED_S:
        yield Found({"since": f"have not been checked once in {duration_words(nightly.in_use_s)}"})


def full_soon(facts: Facts) -> Iterator[Found]:
    days = facts.nightly.days_left
    if days is not None and days < FULL_SOON_DAYS:
        yield Found({"days": max(0, int(days))})


ADVISORIES = (
    Advisory(
        code="books_damaged",
        severity="alarm",
        title="The journal does not verify",
        text="The nightly check found: {problem}.",
        hint="Selling goes on. Call support. The agent's next start examines the whole journal and sets it aside if it must.",
        find=damaged,
    ),
    Advisory(
        code="disk_full_soon",
        severity="warning",
        title="The disk will be full",
        text="At the pace of the last nights the disk is full in {days} days. Selling stops then.",
        hint="Look what fills it. `tillkeeper nightly` measures again.",
        find=full_soon,
    ),
    Advisory(
        code="nightly_missed",
        severity="notice",
        title="The books were not checked",
        text="The books {since}: whether they are whole is not known.",
        hint="`systemctl enable --now tillkeeper-nightly.timer`, or run `tillkeeper nightly` by hand.",
        find=missed,
    ),
)
