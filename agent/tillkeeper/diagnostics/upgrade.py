"""What waits for a restart between two sales, as advisories."""

from collections.abc import Iterator

from tillkeeper.diagnostics.advisory import Advisory, Found
from tillkeeper.diagnostics.facts import Facts
from tillkeeper.upkeep.quiet import QUIET_S


def waits(facts: Facts) -> Iterator[Found]:
    if facts.upgrade.version and not facts.upgrade.late and not facts.upgrade.trouble:
        yield Found({"new": facts.upgrade.version, "old": facts.version})


def late(facts: Facts) -> Iterator[Found]:
    if facts.upgrade.late and not facts.upgrade.trouble:
        yield Found({"new": facts.upgrade.version, "old": facts.version})


def next_start_fails(facts: Facts) -> Iterator[Found]:
    if facts.upgrade.trouble:
        yield Found({"new": facts.upgrade.version or facts.version, "trouble": facts.upgrade.trouble})


ADVISORIES = (
    Advisory(
        code="next_start_fails",
        severity="warning",
        title="The next start would fail",
        text="This register sells on as it is, for version {new} would not start with its configuration: {trouble}.",
        hint="Put it right (`tillkeeper config check`); it looks again by itself. Neither restart nor switch off until then.",
        find=next_start_fails,
    ),
    Advisory(
        code="upgrade_late",
        severity="warning",
        title="An upgrade waits since yesterday",
        text="Version {new} is installed and this register still runs {old}: there was no quiet moment in a day.",
        hint="`tillkeeper restart` says what it waits for. Nothing is lost if you restart the service by hand.",
        find=late,
    ),
    Advisory(
        code="upgrade_waits",
        severity="notice",
        title="An upgrade waits",
        text="Version {new} is installed; this register goes on with {old} until nothing is rung, paid or printed.",
        hint=f"Nothing to do: it changes over by itself once nothing was entered for {QUIET_S:g} s and nothing is printed.",
        find=waits,
    ),
)
