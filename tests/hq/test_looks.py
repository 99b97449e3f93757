"""HQ's pages are of one family with the register's: the same tokens; and they load nothing but what HQ serves."""

import re
from pathlib import Path

from tests.hq.people import Office

AGENT = Path(__file__).resolve().parents[2] / "agent"
TOKEN = re.compile(r"(--[a-z0-9-]+):\s*([^;]+);")


def tokens(name: str) -> list[tuple[str, str]]:
    """All that come before the first rule that is not one: light, dark, more contrast."""
    return TOKEN.findall((AGENT / name).read_text("utf-8").partition("*, ::before")[0])


def test_the_tokens_are_those_of_the_registers_pages() -> None:
    theirs = tokens("tillkeeper/web/static/shared/base.css")
    assert len(theirs) > 40
    assert tokens("tillkeeper_hq/pages/static/hq.css") == theirs


def test_pages_are_small_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "owner")
        mia = office.person("mia")
        for path in ("/", "/sales", "/users", "/account"):
            text = mia.ask(path).text
            assert len(text) < 20_000
            loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', text)
            assert set(loaded) == {"/static/icon.svg", "/static/hq.css"}
            assert not re.search(r"<script|<style| style=| on[a-z]+=|://", text)
        sizes = [len(mia.ask(f"/static/{name}").content) for name in ("hq.css", "icon.svg")]
        assert sum(sizes) < 40_000
