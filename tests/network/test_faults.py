"""The catalogue of faults is whole and consistent, and what is printed of it is current."""

from pathlib import Path

import pytest

from tillkeeper.network.faults import ADVISORIES, COLUMNS, FAULTS, LAYERS, depth
from tillkeeper.network.likelihood import GROUPS, MUTE
from tillkeeper.network.wording import ALSO, WORDS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "network-faults.md"
_SHOWN = {"yes": "1", "no": "0", "free": "-"}
_SHORT = ("C", "A", "B", "Ag", "As", "Ap", "R", "T2", "M", "X", "D", "D'", "H", "S")


def page() -> str:
    """docs/network-faults.md as the catalogue has it now: `python -m tests.network.test_faults` writes it."""
    lines = [
        "# What can be wrong, and what it looks like",
        "",
        "Made from `agent/tillkeeper/network/faults.py` by `python -m tests.network.test_faults`; a test holds it current.",
        "Columns: C carrier, A own address, B other registers heard, Ag / As / Ap gateway, switch, neighbours answer,",
        "R the router answers at layer 3, T2 second hop, M modem, X addresses in the internet, D own and D' other resolvers,",
        "H login check, S HQ. 1 answers, 0 is silent, - may be either. Faults with the same row are told as a set.",
        "",
        f"| code | what | where | prior (nats) | confirmed by | {' | '.join(_SHORT)} |",
        f"|---|---|---|---|---|{'---|' * len(_SHORT)}",
    ]
    for fault in FAULTS.values():
        if fault.keys:
            by = f"{fault.rounds} rounds of {' or '.join(fault.keys)}"
        else:
            by = f"sign {', '.join(fault.signs)}" if fault.signs else "the kernel"
        marks = " | ".join(_SHOWN[fault.columns[name]] for name in COLUMNS)
        lines.append(f"| `{fault.code}` | {fault.title} | {fault.layer} | {fault.prior:g} | {by} | {marks} |")
    lines += ["", "Besides, without being a fault:", ""]
    lines += [f"- `{code}`: {title}" for code, title in ADVISORIES.items()]
    return "\n".join(lines) + "\n"


def test_the_page_is_current() -> None:
    assert DOCS.read_text() == page()


def test_every_fault_says_something_of_every_column() -> None:
    for fault in FAULTS.values():
        assert tuple(fault.columns) == COLUMNS
        assert fault.layer in LAYERS


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_recognised_by_the_kernel_by_columns_or_by_a_sign(code: str) -> None:
    fault = FAULTS[code]
    silent = [name for name in COLUMNS if fault.columns[name] == "no"]
    assert bool(fault.keys) + bool(fault.signs) + (fault.columns["carrier"] == "no") == 1
    assert set(fault.keys) <= set(silent)


def test_what_is_nearer_silences_what_is_farther() -> None:
    """A fault never silences a column and lets go on what can only be reached through the same component."""
    order = ("gateway", "router", "hop2", "anycast")
    for fault in FAULTS.values():
        marks = [fault.columns[name] for name in order]
        if fault.keys and "no" in marks:
            assert "yes" not in marks[marks.index("no") :], fault.code


def test_layers_are_in_the_order_of_the_way_out() -> None:
    way = ("cable", "router_dead", "modem", "isp_upstream", "dns_own", "hq_server")
    assert sorted(way, key=depth) == list(way)


def test_every_column_that_can_fall_silent_has_its_weight_in_one_group() -> None:
    grouped = [name for group in GROUPS for name in group]
    assert sorted(grouped) == sorted(MUTE)
    assert set(MUTE) == set(COLUMNS) - {"carrier", "address"}


def test_everything_that_can_be_said_has_words() -> None:
    assert set(WORDS) == set(FAULTS)
    assert set(ALSO) == set(ADVISORIES)


if __name__ == "__main__":
    DOCS.write_text(page())
