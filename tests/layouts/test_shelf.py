"""Which layout a document takes: the store's folder before the package, a station's own before the store's."""

import os
from pathlib import Path

import msgspec
import pytest
from tests.layouts.test_rules import RECEIPT, TAIL, TICKET, layout
from tests.layouts.world import paper_of, store, text_of, with_layouts, with_station

from tillkeeper import beside
from tillkeeper.cli import main
from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import load, parse
from tillkeeper.devices.registry import Registry
from tillkeeper.errors import ConfigInvalid
from tillkeeper.layouts import documents, samples, shelf
from tillkeeper.layouts.model import DOCUMENTS

OWN = TICKET + '{ element = "text", text = "HOUSE {table}" },\n'


def folder(tmp_path: Path, **files: str) -> str:
    """Holds the layouts as files; a name's "__" is "-"."""
    own = tmp_path / "layouts"
    own.mkdir()
    for name, text in files.items():
        (own / f"{name.replace('__', '-')}.toml").write_text(text, "utf-8")
    return str(own)


def test_each_document_has_a_layout_of_its_own_name() -> None:
    chosen = shelf.chosen(store())
    assert set(chosen) == {(document, "") for document in DOCUMENTS}
    assert all(layout.document == document for (document, _station), layout in chosen.items())


def test_the_stores_own_file_goes_before_the_package(tmp_path: Path) -> None:
    own = folder(tmp_path, kitchen_ticket=layout("kitchen_ticket", OWN + TAIL))
    config = with_layouts(store(), folder=own)
    ticket = samples.sample("kitchen_ticket", config, station="grill")
    assert "HOUSE 12" in text_of(paper_of(ticket, config))
    assert "HOUSE" not in text_of(paper_of(ticket, store()))


def test_a_station_has_its_own_layout_and_language(tmp_path: Path) -> None:
    own = folder(tmp_path, ours=layout("kitchen_ticket", OWN + TAIL))
    config = with_station(with_layouts(store(), folder=own), "grill", layouts={"kitchen_ticket": "ours"}, language="es")
    grill, bar = (
        text_of(paper_of(samples.sample("kitchen_ticket", config, station=name), config)) for name in ("grill", "bar")
    )
    assert "HOUSE 12" in grill
    assert "COMER AQUÍ" in grill
    assert "NOTA: nut allergy" in grill
    assert "HOUSE" not in bar
    assert "DINE IN" in bar
    receipt = samples.sample("receipt", config)
    assert "Subtotal" in text_of(paper_of(receipt, config)), "the guest reads the store's language"


def test_displays_read_the_language_of_their_station() -> None:
    config = with_station(store(), "cold", language="ja")
    job = msgspec.structs.replace(samples.sample("kitchen_ticket", config, station="cold", training=True), device="kitchen")
    shown = documents.document(job, config, samples.PERSONAL, shelf.chosen(config))
    assert (shown.ticket.order_type, shown.ticket.items[2].order_type) == ("店内", "持ち帰り")  # type: ignore[union-attr]
    assert shown.marks == ("練習",)  # type: ignore[union-attr]
    wall = msgspec.structs.replace(config.devices["kitchen"], kind="escpos_display")
    config = msgspec.structs.replace(config, devices={**config.devices, "kitchen": wall})
    shown = documents.document(job, config, samples.PERSONAL, shelf.chosen(config))
    assert shown.ticket.order_type == "DINE IN", "it has a printer's letters"  # type: ignore[union-attr]


def test_a_chosen_layout_of_the_package() -> None:
    config = with_layouts(store(), use={"receipt": "receipt-short"})
    assert shelf.chosen(config)["receipt", ""] is shelf.builtin("receipt-short")


def test_every_file_of_the_folder_is_checked_used_or_not(tmp_path: Path) -> None:
    wrong = layout("test_slip", "{ element = 'x' },\n")
    own = folder(tmp_path, spare=layout("receipt", RECEIPT), broken="document =\n", other=wrong)
    (Path(own) / "notes.txt").write_text("not a layout")
    (Path(own) / "latin.toml").write_bytes(b'document = "\xe9"\n')
    (Path(own) / "large.toml").write_bytes(b"#" * (shelf.MAX_BYTES + 1))
    (Path(own) / "folder.toml").mkdir()
    said = [str(problem) for problem in shelf.usable(with_layouts(store(), folder=own)).problems]
    assert [problem.removeprefix(own + "/").partition(":")[0] for problem in said] == [
        "broken.toml", "folder.toml", "large.toml", "latin.toml", "other.toml", "spare.toml",
    ]  # fmt: skip
    assert "spare.toml:4: elements.1: 'training_banner' has to stand twice" in said[-1].replace(own + "/", "")


def test_a_layout_of_another_document_is_refused(tmp_path: Path) -> None:
    config = with_layouts(store(), folder=folder(tmp_path, mine=layout("receipt", RECEIPT + TAIL)), use={"test_slip": "mine"})
    with pytest.raises(ConfigInvalid, match="is a layout of a receipt, chosen for a test_slip"):
        shelf.chosen(config)


@pytest.mark.parametrize("spoiled", [layout("receipt", RECEIPT), "", "\0" * 40, layout("test_slip", TAIL)])
def test_a_broken_layout_gives_way_to_that_of_the_package_and_is_said(tmp_path: Path, spoiled: str) -> None:
    own = folder(tmp_path, receipt=spoiled, kitchen_ticket=layout("kitchen_ticket", OWN + TAIL))
    config = with_layouts(store(), folder=own)
    found = shelf.usable(config)
    assert found.layouts["receipt", ""] is shelf.builtin("receipt")
    assert found.layouts["kitchen_ticket", ""] is not shelf.builtin("kitchen_ticket"), "the sound one is taken"
    assert {problem.file for problem in found.problems} == {f"{own}/receipt.toml"}
    (said,) = Registry(config, lambda _digests: {}, lambda _event: None).unread()
    assert (said.setting, said.why.startswith(f"{own}/receipt.toml")) == ("layouts.folder", True)


def test_a_station_whose_layout_is_of_no_use_takes_the_stores(tmp_path: Path) -> None:
    own = folder(tmp_path, ours="", kitchen_ticket=layout("kitchen_ticket", OWN + TAIL))
    config = with_station(with_layouts(store(), folder=own), "grill", layouts={"kitchen_ticket": "ours"})
    ticket = samples.sample("kitchen_ticket", config, station="grill")
    paper = documents.print_document(ticket, config, samples.PERSONAL, shelf.usable(config).layouts)
    assert "HOUSE 12" in text_of(paper)


def test_a_folder_that_is_not_there_leaves_the_layouts_of_the_package(tmp_path: Path) -> None:
    config = with_layouts(store(), folder=str(tmp_path / "nowhere"), use={"receipt": "ours"})
    found = shelf.usable(config)
    assert found.layouts == shelf.usable(store()).layouts
    assert [str(one).removeprefix(f"{tmp_path}/") for one in found.words(config.layouts.folder)] == [
        "nowhere: can not be read: No such file or directory", "nowhere: layouts.use.receipt: no layout 'ours'",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "layouts.folder: {folder} can not be read: No such file or directory"),
        ('[layouts.use]\nreceipt = "recipt"', "layouts.use.receipt: no layout 'recipt' (did you mean 'receipt'?)"),
        ('[stations.grill.layouts]\nkitchen_ticket = "big"', "stations.grill.layouts.kitchen_ticket: no layout 'big'"),
    ],
)
def test_names_that_a_folder_may_have_are_checked_with_it(lines: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "store.toml"
    file.write_text(f'{example_toml()}\n[layouts]\nfolder = "nowhere"\n{lines}\n', "utf-8")
    (tmp_path / "nowhere").mkdir() if lines else None
    (problem,) = beside.problems(file, load(file))
    assert str(problem).endswith(said.format(folder=tmp_path / "nowhere"))
    assert problem.line >= len(example_toml().splitlines())


def test_config_check_lists_what_is_wrong_with_layouts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(tmp_path, receipt=layout("receipt", RECEIPT + '{ element = "text", text = "{taxes}" },\n' + TAIL))
    file = tmp_path / "store.toml"
    file.write_text(example_toml() + '\n[layouts]\nfolder = "layouts"\n', "utf-8")
    assert main(["config", "check", str(file)]) == 2
    assert f"{tmp_path}/layouts/receipt.toml:13: elements.10.text: a receipt has no field {{taxes}}" in capsys.readouterr().out
    (tmp_path / "layouts" / "receipt.toml").unlink()
    assert main(["config", "check", str(file)]) == 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('[layouts.use]\nreceipt = "recipt"', "layouts.use.receipt: no layout 'recipt' (did you mean 'receipt'?)"),
        ('[layouts.use]\nrecipt = "receipt"', "layouts.use.recipt: 'recipt' is none of receipt,"),
        ("[layouts]\nmost_copies = -1", "layouts.most_copies: -1 is out of range"),
        ('[stations.grill.layouts]\nkitchen_ticket = "big"', "stations.grill.layouts.kitchen_ticket: no layout 'big'"),
    ],
)
def test_names_in_the_config_are_checked(lines: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse(f"{example_toml()}\n{lines}\n", file="s.toml", folder=tmp_path)
    assert any(said in str(problem) for problem in caught.value.extra["problems"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('language = "en"', 'language = "dee"', "store.language: there are no words in the language 'dee'"),
        ('currency = "USD"', 'currency = "USD"\ncountry = "Norway"', "store.country: 'Norway' is not a country code"),
        ('title = "Grill"', 'title = "Grill"\nlanguage = "xx"', "stations.grill.language: there are no words in the language"),
    ],
)
def test_languages_and_countries_in_the_config_are_checked(old: str, new: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse(example_toml().replace(old, new, 1), file="s.toml", folder=tmp_path)
    assert any(said in str(problem) for problem in caught.value.extra["problems"])


def test_a_region_without_words_of_its_own_takes_its_language(tmp_path: Path) -> None:
    text = example_toml().replace('language = "en"', 'language = "de-AT"', 1)
    config = parse(text, file="s.toml", folder=tmp_path)
    assert documents.language_of(samples.sample("receipt", config), config).tag == "de"


def test_a_pipe_among_the_layouts_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    own = folder(tmp_path)
    os.mkfifo(Path(own) / "receipt.toml")
    with pytest.raises(ConfigInvalid, match="not a file"):
        shelf.chosen(with_layouts(store(), folder=own))


def test_a_line_too_long_is_refused_before_it_takes_a_minute_to_read() -> None:
    for text in ("a" + ".a" * 40_000 + " = 1", "[[" + "a." * 30_000 + "b]]"):
        made, (problem,) = shelf.parse('document = "receipt"\n' + text, file="x.toml")
        assert made is None
        assert (problem.line, problem.what) == (2, f"a line of {len(text)} characters; the most is {shelf.MAX_LINE}")
