"""`tillkeeper pages`: a link for each page that this machine's browser opens; the token never reaches a server's log."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.people.test_commands import configured

from tillkeeper.cli import exits, main

TOKEN = "p" * 43


def test_every_page_has_its_link_and_the_token_stays_in_the_browser(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = configured(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "page-token").write_text(f"{TOKEN}\n")
    assert main(["pages", "--config", str(file), "--url", "http://127.0.0.1:1", "--json"]) == exits.OK
    links = json.loads(capsys.readouterr().out)["pages"]
    parts = [urlsplit(link["url"]) for link in links]
    assert {link["page"] for link in links} == {"register", "kitchen", "diagnostics"}
    assert [part.path for part in parts] == [f"/{link['page']}/" for link in links]
    assert {part.fragment for part in parts} == {f"token={TOKEN}"}
    assert not any(TOKEN in part.query for part in parts)
