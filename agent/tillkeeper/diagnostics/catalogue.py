"""What is known of the catalogue, as advisories."""

from collections.abc import Iterator

from tillkeeper.diagnostics.advisory import Advisory, Found
from tillkeeper.diagnostics.facts import Facts
from tillkeeper.diagnostics.words import duration_words

CATALOGUE_STALE_S = 36 * 3600.0
"""A snapshot is taken at least nightly; a day and a half means that one was missed."""


def _catalogue_stale(facts: Facts) -> Iterator[Found]:
    age = facts.catalogue.age_s
    if facts.catalogue.version and age is not None and age > CATALOGUE_STALE_S:
        yield Found({"age": duration_words(age)})


def _catalogue_unknown(facts: Facts) -> Iterator[Found]:
    if facts.catalogue.trouble:
        yield Found({"what": f"The file is not taken over ({facts.catalogue.trouble}); the one before it holds"})
    if not facts.catalogue.version:
        yield Found({"what": "There is no catalogue"})
    elif facts.catalogue.age_s is None:
        yield Found({"what": "How old the catalogue is can not be told"})


UNKNOWN = Advisory(
    code="catalogue_unknown",
    severity="warning",
    title="The catalogue is not known",
    text="{what}.",
    hint="Import a catalogue, or wait for one from HQ.",
    find=_catalogue_unknown,
)
STALE = Advisory(
    code="catalogue_stale",
    severity="notice",
    title="Prices may be old",
    text="The catalogue is {age} old.",
    hint="A new one comes with the next publish from HQ.",
    find=_catalogue_stale,
)
