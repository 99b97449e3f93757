"""Files beside a configuration: whoever loads it to start is refused for none of them, whoever looks at it is told of each."""

from pathlib import Path

import pytest

from tillkeeper.beside import problems
from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import load


def said(folder: Path, text: str) -> list[str]:
    file = folder / "store.toml"
    file.write_text(text, "utf-8")
    return [str(one).replace(f"{folder}/", "") for one in problems(file, load(file))]


def test_with_the_example_nothing_is_wrong(tmp_path: Path) -> None:
    assert said(tmp_path, example_toml()) == []


def test_a_catalogue_that_is_not_there_is_named_with_its_line_and_the_nearest_right_word(tmp_path: Path) -> None:
    text = example_toml().replace('file = "builtin"', 'file = "biultin"', 1)
    line = 1 + next(at for at, words in enumerate(text.splitlines()) if "biultin" in words)
    assert said(tmp_path, text) == [
        f"store.toml:{line}: catalogue.file: no file 'biultin' in {tmp_path} (did you mean 'builtin'?)",
    ]  # fmt: skip


def test_all_is_said_at_once(tmp_path: Path) -> None:
    changes = {
        'receipt_footer = ["Thank you!"]': 'receipt_footer = ["Thank you!"]\nlogo = "logo.png"',
        "# [network]": '[models]\nown = "models"\n[layouts]\nfolder = "layouts"\n[network]\nkey_file = "b.key"',
        'file = "builtin"': 'file = "menu.toml"',
    }
    text = example_toml()
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (tmp_path / "menu.toml").write_bytes(bytes(100))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "page-token").write_text("a word\n")
    (tmp_path / "data" / "api-token").write_bytes(bytes(44))
    found = [one.partition(": ")[2].partition(": ")[0] for one in said(tmp_path, text)]
    assert sorted(found[:-1]) == ["api.page_token_file", "layouts.folder", "models.own", "network.key_file", "store.logo"]
    assert found[-1].startswith("is not TOML"), "of the catalogue"


@pytest.mark.parametrize("content", [b"", b" \n", bytes(44), b"x" * 16 + b"\n"])
def test_a_blank_token_is_no_problem_for_the_next_start_makes_one(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "api-token").write_bytes(content)
    assert said(tmp_path, example_toml()) == []
    assert (tmp_path / "data" / "api-token").read_bytes() == content, "whoever looks changes nothing"
