"""The import of an export of orders: every line rings to exactly the export's money."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.fake_agent import Store

from tillkeeper.cli import main
from tillkeeper.cli.orders import read
from tillkeeper.cli.tsv_import import COLUMNS, arrival_times, import_tsv, parse_choices
from tillkeeper.errors import ConfigInvalid
from tillkeeper.sales.catalogue import parse_catalogue

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT / ".." / "shared" / "data" / "chipotle-orders.tsv"
real = pytest.mark.skipif(not REAL.is_file(), reason=f"the export of real orders is not here: {REAL.relative_to(ROOT)}")

HEAD = "\t".join(COLUMNS) + "\n"
SMALL = HEAD + (
    "1\t2\tBurrito Bowl\t[Salsa (Mild, Fresh), [Rice, Beans, Rice]]\t$16.98 \n"
    "1\t1\tChips\tNULL\t$2.15 \n"
    "2\t3\tChips\tNULL\t$10.00 \n"
    "2\t1\tChips & Dip\t[Dip]\t$3.00 \n"
    "2\t1\tChips, Dip\t[dip, Dip!]\t$4.00 \n"
    "3\t1\tCrème\t[Été]\t$0.00 \n"
)


def test_what_does_not_divide_rings_to_the_cent(tmp_path: Path) -> None:
    found = import_tsv(SMALL, "small.tsv")
    (tmp_path / "menu.toml").write_text(found.catalogue)
    store = Store(tmp_path, tmp_path / "menu.toml")
    sums = []
    for order in found.orders:
        totals = store.place(order.place).totals
        assert totals is not None
        assert totals.subtotal_minor == order.subtotal_minor
        sums.append(totals.subtotal_minor)
    assert sums == [1698 + 215, 1000 + 300 + 400, 0]
    assert found.total_minor == sum(sums)


def test_names_that_look_alike_keep_ids_of_their_own() -> None:
    found = import_tsv(SMALL, "small.tsv")
    catalogue = parse_catalogue(found.catalogue.encode(), "menu.toml")
    assert [item.name for item in catalogue.items.values()].count("Chips & Dip") == 1
    assert catalogue.items["chips-dip"].name == "Chips & Dip"
    assert catalogue.items["chips-dip.2"].name == "Chips, Dip"
    assert {modifier.name for modifier in catalogue.groups["chips-dip.2"].modifiers} == {"dip", "Dip!"}
    assert catalogue.items["creme"].name == "Crème"


def test_nested_choices_become_modifiers_with_their_counts() -> None:
    line = import_tsv(SMALL, "small.tsv").orders[0].place.lines[0]
    assert [(chosen.modifier_id, chosen.quantity) for chosen in line.modifiers] == [
        ("salsa-mild-fresh", 1),
        ("rice", 2),
        ("beans", 1),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("NULL", ()),
        ("[Clementine]", ("Clementine",)),
        ("[A (x, y), [B, [C], D]]", ("A (x, y)", "B", "C", "D")),
        ("[[A, B], [C]]", ("A", "B", "C")),
        ("Plain", ("Plain",)),
        ("[]", ()),
    ],
)
def test_choices(text: str, names: tuple[str, ...]) -> None:
    assert parse_choices(text) == names


@pytest.mark.parametrize("text", ["[A", "A]", "[A (x]", "[A)]", "[A\x1b]", "[" + "A" * 300 + "]"])
def test_choices_that_do_not_pair_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"pair|opened|longer"):
        parse_choices(text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("order_id\tquantity\n1\t1\n", [1, 1, 1]),
        ("", [1] * 5),
        (HEAD, [1]),
        (HEAD + "1\t0\tA\tNULL\t$1.00\n1\t1\tA\tNULL\t$1.00\n1\t1\tA\tNULL\t$1.005\nx y\t1\tA\tNULL\t$1\n", [2, 4, 5]),
        (HEAD + "1\t1\tA\tNULL\n1\t1\t\tNULL\t$1\n1\t1\tA\t[A\t$1\n1\t1\tA\tNULL\tNaN\n1\t-1\tA\tNULL\t$1\n", [2, 3, 4, 5, 6]),
    ],
)
def test_every_row_that_can_not_be_read_is_named(text: str, lines: list[int]) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        import_tsv(text, "bad.tsv")
    assert [problem.line for problem in caught.value.extra["problems"]] == lines


@given(st.integers(1, 400))
def test_orders_come_in_their_order_within_the_day(count: int) -> None:
    times = arrival_times(count)
    assert len(times) == count
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= 41_000


@real
def test_the_real_orders_ring_to_exactly_their_money(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    menu, day = tmp_path / "menu.toml", tmp_path / "orders.jsonl"
    assert main(["catalogue", "import", str(REAL), "-o", str(menu), "--orders-out", str(day)]) == 0
    capsys.readouterr()
    with REAL.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    expected: dict[str, int] = {}
    for row in rows:
        expected[row["order_id"]] = expected.get(row["order_id"], 0) + round(float(row["item_price"].strip(" $")) * 100)
    store = Store(tmp_path, menu)
    rung: dict[str, int] = {}
    for order in read(day):
        totals = store.place(order.place).totals
        assert totals is not None
        rung[order.order] = totals.subtotal_minor
    assert len(rung) == 1000
    assert rung == expected
    assert sum(rung.values()) == 1_879_640


@real
def test_the_import_is_reproducible() -> None:
    text = REAL.read_text()
    assert import_tsv(text, "a.tsv") == import_tsv(text, "a.tsv")
