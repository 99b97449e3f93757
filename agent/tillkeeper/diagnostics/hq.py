"""The advisories about HQ that does not answer. Pure."""

from collections.abc import Iterator

from tillkeeper.diagnostics import network
from tillkeeper.diagnostics.advisory import Advisory, Found
from tillkeeper.diagnostics.facts import Facts
from tillkeeper.diagnostics.words import duration_words

KEPT = "Sales are kept here and go out by themselves."


def _unreachable(facts: Facts) -> Iterator[Found]:
    age_s = facts.hq.exchange_age_s
    if age_s is not None and age_s > facts.online_window_s:
        yield from _silent(facts, age_s, f" {KEPT}")


def _never(facts: Facts) -> Iterator[Found]:
    if facts.hq.exchange_age_s is None and facts.uptime_s > facts.online_window_s:
        yield from _silent(facts, facts.uptime_s)


def _silent(facts: Facts, since_s: float, kept: str = "") -> Iterator[Found]:
    hq = facts.hq
    if hq.configured and not unread(facts) and not network.explains_silence(facts):
        reason = f": {hq.last_error}" if hq.last_error else ""
        stop = "" if hq.hint.endswith("?") else "."
        hint = f"{hq.hint[0].upper()}{hq.hint[1:]}{stop}{kept}" if hq.hint else ""
        yield Found({"since": duration_words(since_s), "reason": reason}, hint=hint)


def unread(facts: Facts) -> str:
    """The setting whose file keeps HQ from being asked, or empty."""
    return next((one.setting for one in facts.unread if one.keeps_from_hq), "")


ADVISORIES: tuple[Advisory, ...] = (
    Advisory(
        code="hq_unreachable",
        severity="warning",
        title="HQ does not answer",
        text="The last answer of HQ was {since} ago{reason}. Cash and custom tenders work.",
        hint=KEPT,
        find=_unreachable,
    ),
    Advisory(
        code="hq_never_reached",
        severity="warning",
        title="HQ has not answered yet",
        text="HQ has not answered since the start {since} ago{reason}. Cash and custom tenders work.",
        hint="Check the address of HQ and the token, if this register was never online.",
        find=_never,
    ),
)
