"""What a layout may not be: each mistake is refused with its line, and what has to be there can not be left out."""

import pytest

from tillkeeper.layouts import names, shelf

HEAD = '{ element = "marks" },\n{ element = "training_banner" },\n'
TAIL = '{ element = "training_banner" },\n'
TICKET = HEAD + (
    '{ element = "order_type", width = 3, height = 3 },\n{ element = "ticket_code" },\n{ element = "change" },\n'
    '{ element = "text", text = "{word.ticket.note}" },\n{ element = "items" },\n'
)
RECEIPT = HEAD + (
    '{ element = "ticket_code" },\n{ element = "title" },\n{ element = "text", text = "{date} {time}" },\n'
    '{ element = "lines" },\n{ element = "totals" },\n{ element = "taxes" },\n{ element = "payments" },\n'
    '{ element = "text", text = "{check_id}" },\n'
)
SLIP = HEAD + '{ element = "text", text = "{device}" },\n'
REPORT = HEAD + (
    '{ element = "title" },\n{ element = "row", text = "{drawer}", right = "{date} {time}" },\n{ element = "lines" },\n'
)

DAY = REPORT.replace("{drawer}", "{business_day}")


def layout(document: str, elements: str) -> str:
    """The elements start on line 3."""
    return f'document = "{document}"\nelements = [\n{elements}]\n'


def problems(text: str) -> list[str]:
    made, found = shelf.parse(text, file="x.toml")
    assert (made is None) == bool(found)
    return [str(problem) for problem in found]


@pytest.mark.parametrize(
    ("document", "elements"),
    [("kitchen_ticket", TICKET), ("change_slip", TICKET), ("receipt", RECEIPT), ("refund_receipt", RECEIPT),
     ("test_slip", SLIP), ("x_report", REPORT), ("z_report", REPORT), ("day_report", DAY)],
)  # fmt: skip
def test_the_least_that_a_layout_may_be(document: str, elements: str) -> None:
    assert problems(layout(document, elements + TAIL)) == []


@pytest.mark.parametrize("name", sorted(names.builtin_layouts()))
def test_the_built_in_ones_keep_the_rules(name: str) -> None:
    assert problems(names.builtin_text(name)) == []
    assert shelf.builtin(name).document == name.partition("-")[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{ element = "texd", text = "a" }', "elements.7.element: 'texd' is none of marks, training_banner, text"),
        ('{ element = "text", txt = "a" }', "elements.7.txt: unknown key 'txt' (did you mean 'text'?)"),
        ('{ element = "text", text = "a", width = 9 }', "elements.7.width: 9 is out of range"),
        ('{ element = "text", text = "a", height = 0 }', "elements.7.height: 0 is out of range"),
        ('{ element = "text", text = "a", align = "center" }', "'center' is none of left, centre, right (did you mean"),
        ('{ element = "text", text = "a", bold = "yes" }', "elements.7.bold: should be true or false, not text"),
        ('{ element = "text", text = "{tabel}" }', "a kitchen_ticket has no field {tabel} (did you mean 'table'?)"),
        ('{ element = "text", text = "{check_id} {printed_by}" }', "a kitchen_ticket has no field {printed_by}"),
        ('{ element = "text", text = "{word.ticket.tabel}" }', "no word {word.ticket.tabel} (did you mean 'word"),
        ('{ element = "text", text = "{word.receipt.original}" }', "speaks of 'original_date', which a kitchen"),
        ('{ element = "text", text = "half { open" }', "a lone '{': write it twice to print one"),
        ('{ element = "text", text = "a\\u001b@b" }', "a text is one line without control characters"),
        ('{ element = "text" }', "elements.7: 'text' needs a 'text'"),
        ('{ element = "row" }', "'row' needs a 'text' or a 'right'"),
        ('{ element = "text", text = "a", when = "tabel" }', "elements.7.when: a kitchen_ticket has no field 'tabel'"),
        ('{ element = "rule", character = "--" }', "elements.7.character: '--' is out of range"),
        ('{ element = "rule", character = "\\u0007" }', "a rule is drawn with a character that can be seen"),
        ('{ element = "feed", lines = 21 }', "elements.7.lines: 21 is out of range"),
        ('{ element = "qr", text = "{check_id}", module_dots = 17 }', "elements.7.module_dots: 17 is out of range"),
        ('{ element = "feed", text = "a" }', "elements.7.text: 'text' means nothing for 'feed'"),
        ('{ element = "items", align = "left" }', "elements.7.align: 'align' means nothing for 'items'"),
        ('{ element = "totals" }', "'totals' means nothing in a kitchen_ticket; it belongs to receipt, refund_receipt"),
        ('{ element = "logo" }', "'logo' means nothing in a kitchen_ticket; it belongs to receipt, refund_receipt"),
        ('{ element = "qr", text = "{check_id}" }', "'qr' means nothing in a kitchen_ticket; it belongs to receipt"),
        ('{ element = "items" }', "elements.7: 'items' stands here a second time"),
        ('{ element = "marks" }', "elements.7: 'marks' has to be the first element, once"),
        ('{ element = "text", text = "a", width = 3, height = 3 }', "'order_type' has to be the largest: 'text' has 9"),
        ('{ element = "order_type" }', "elements.7: 'order_type' stands here a second time"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(line: str, said: str) -> None:
    found = problems(layout("kitchen_ticket", f"{TICKET}{line},\n{TAIL}"))
    assert any(problem.startswith("x.toml:10: ") and said in problem for problem in found), found


def test_all_mistakes_are_told_at_once() -> None:
    wrong = '{ element = "text", text = "{a}" },\n{ element = "text", text = "{b}" },\n'
    found = problems(layout("receipt", RECEIPT + wrong + TAIL))
    assert [problem.partition(" ")[0] for problem in found] == ["x.toml:13:", "x.toml:14:"]


@pytest.mark.parametrize(
    ("document", "elements"), [("kitchen_ticket", TICKET), ("receipt", RECEIPT), ("test_slip", SLIP), ("z_report", REPORT)]
)
def test_nothing_of_the_least_may_go(document: str, elements: str) -> None:
    lines = (elements + TAIL).splitlines(keepends=True)
    for gone in range(len(lines)):
        assert problems(layout(document, "".join(lines[:gone] + lines[gone + 1 :]))), f"without {lines[gone]!r}"


@pytest.mark.parametrize("condition", ['when = "table"', 'unless = "table"'])
@pytest.mark.parametrize(
    ("document", "elements", "field"), [("receipt", RECEIPT, "{check_id}"), ("kitchen_ticket", TICKET, "{word.ticket.note}")]
)
def test_what_has_to_be_there_is_there_always(document: str, elements: str, field: str, condition: str) -> None:
    text = layout(document, elements.replace(f'text = "{field}"', f'text = "{field}", {condition}') + TAIL)
    assert any("in a text that is always printed" in problem for problem in problems(text))


def test_marks_and_banner_are_large() -> None:
    small = TICKET.replace('{ element = "marks" }', '{ element = "marks", height = 1 }')
    assert problems(layout("kitchen_ticket", small + TAIL)) == [
        "x.toml:3: elements.0.height: 'marks' are at least twice as high as normal letters"
    ]
    flat = TAIL.replace(" }", ", height = 1 }")
    assert any("'training_banner' is at least" in problem for problem in problems(layout("test_slip", SLIP + flat)))


def test_the_order_type_comes_first() -> None:
    moved = TICKET.replace('{ element = "order_type", width = 3, height = 3 },\n', "").replace(
        '{ element = "ticket_code" },\n', '{ element = "ticket_code" },\n{ element = "order_type", width = 3, height = 3 },\n'
    )
    assert problems(layout("kitchen_ticket", moved + TAIL)) == [
        "x.toml:6: elements.3: 'order_type' comes first, before 'ticket_code': a cook packs or plates by it"
    ]


def test_files_that_are_no_layouts() -> None:
    assert problems("document = \n")[0].startswith("x.toml:1: ")
    assert problems("a = " + "[\n" * 5000) == ["x.toml:1: is nested too deeply"]
    assert problems("a = " + "[" * 5000) == ["x.toml:1: a line of 5004 characters; the most is 2000"]
    assert problems('document = "menu"\nelements = []\n')[0].startswith("x.toml:1: document: 'menu' is none of receipt,")
    assert "x.toml:2: elements: a layout has 1 to 100 elements, not 0" in problems('document = "receipt"\nelements = []\n')
    many = '{ element = "rule" },\n' * 101
    assert any("1 to 100 elements" in problem for problem in problems(layout("test_slip", SLIP + many + TAIL)))
    assert problems(layout("receipt", RECEIPT + TAIL).replace("\n", "\r\n")) == []
