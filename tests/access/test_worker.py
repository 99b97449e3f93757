"""The service worker as it is served: with the list and the version of the files that it keeps."""

import asyncio
import json
import re
from pathlib import Path

import httpx
from starlette.applications import Starlette
from tests.api.serving import serving

from tillkeeper.api.web import VERSION_HEADER, Pages, static_folder


def parts(text: str) -> tuple[str, list[str]]:
    found = re.match(r'const VERSION = ("[0-9a-f]+");\nconst FILES = (\[.*\]);\n', text)
    assert found is not None, text[:200]
    return json.loads(found[1]), json.loads(found[2])


def test_what_it_keeps_is_there_and_is_of_its_version() -> None:
    async def scene() -> None:
        async with serving() as running, httpx.AsyncClient(base_url=running.bound.url, trust_env=False) as browser:
            answer = await browser.get("/sw.js")
            assert answer.headers["content-type"].startswith("text/javascript")
            assert answer.headers["cache-control"] == "no-cache"
            assert "worker-src 'self'" in answer.headers["content-security-policy"]
            version, kept = parts(answer.text)
            assert {"/kitchen/", "/register/", "/pair/", "/devices/", "/vendor/preact.js", "/shared/api.js"} <= set(kept)
            assert not any(one.startswith("/v1/") for one in kept)
            for path in kept:
                file = await browser.get(path)
                assert file.status_code == 200, path
                assert file.headers[VERSION_HEADER] == version
            # Bounded: what a tablet keeps is the pages, once.
            assert sum(path.stat().st_size for path in static_folder().rglob("*") if path.is_file()) < 1_000_000

    asyncio.run(scene())


def test_another_file_is_another_version(tmp_path: Path) -> None:
    for name, text in (("sw.js", "// worker"), ("register/index.html", "one"), ("vendor/preact.js", "export {}")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    def served() -> tuple[str, list[str]]:
        async def ask() -> str:
            transport = httpx.ASGITransport(Starlette(routes=Pages(tmp_path).routes()))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as browser:
                return (await browser.get("/sw.js")).text

        return parts(asyncio.run(ask()))

    first = served()
    assert served() == first
    (tmp_path / "register/index.html").write_text("another")
    second = served()
    assert second[0] != first[0]
    (tmp_path / "register/more.js").write_text("export {}")
    assert served()[1] == [*first[1][:1], "/register/more.js", *first[1][1:]]
