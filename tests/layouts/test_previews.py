"""Previews: real bytes of a made-up document, drawn by a child that is bounded."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PIL import Image
from tests.layouts.world import store, with_station
from tests.till.world import config_in, running

from tillkeeper.cli import main
from tillkeeper.config.model import Config
from tillkeeper.devices import pictures, registry
from tillkeeper.devices.pictures import Pictures
from tillkeeper.errors import BadRequest, NotFound, Overloaded, TillkeeperError
from tillkeeper.layouts import samples
from tillkeeper.layouts.model import DOCUMENTS
from tillkeeper.layouts.previews import Asked, Encoded
from tillkeeper_drivers.simulator.printer import VirtualPrinter

CONFIG = store()


def asked_of(config: Config = CONFIG) -> Callable[[Asked], Encoded]:
    return lambda asked: registry.preview(asked, config)


def drawing(encode: Callable[[Asked], Encoded] | None = None) -> Pictures:
    return Pictures(CONFIG, encode or asked_of(), registry.widths())


def size_of(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as picture:
        return picture.size


@pytest.mark.parametrize("columns", [None, 32, 40, 42, 48])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_document_is_encoded_for_each_width(document: str, columns: int | None) -> None:
    made = registry.preview(Asked(document=document, columns=columns), CONFIG)
    assert made.data.startswith(b"\x1b@")
    own = "tm-m30" if document in ("kitchen_ticket", "change_slip") else "tm-t88vi"
    models = {None: own, 32: "generic-58", 40: "tm-u220", 42: "tm-t88vi", 48: "tm-m30" if own == "tm-m30" else "tm-t20iii"}
    assert made.profile == models[columns]


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        (Asked(document="menu"), NotFound, "document menu"),
        (Asked(document="receipt", station="attic"), NotFound, "station attic"),
        (Asked(document="receipt", language="tlh"), NotFound, "language tlh"),
        (Asked(document="receipt", columns=33), NotFound, "33 columns"),
        (Asked(document="receipt", copy=100), BadRequest, "copy 100"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(asked: Asked, error: type[TillkeeperError], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        registry.preview(asked, CONFIG)
    assert caught.value.hint or error is BadRequest


def test_a_station_shows_its_own_language() -> None:
    config = with_station(CONFIG, "grill", language="de")
    assert b"TISCH" in registry.preview(Asked(document="kitchen_ticket", station="grill"), config).data
    assert b"TABLE" in registry.preview(Asked(document="kitchen_ticket", station="bar"), config).data
    assert b"MESA" in registry.preview(Asked(document="kitchen_ticket", station="grill", language="es"), config).data


def test_a_child_draws_it_once() -> None:
    async def scene() -> None:
        desk = drawing()
        asked = Asked(document="test_slip", columns=32)
        first, again = await asyncio.gather(desk.png(asked), desk.png(asked))
        assert first is again
        assert size_of(first)[0] == 384 + 2 * 24
        assert await desk.png(asked) is first

    asyncio.run(scene())


def test_few_wait_and_the_others_are_told() -> None:
    async def scene() -> None:
        desk = drawing(lambda asked: Encoded(b"\x1b@" + asked.document.encode() + b"\n", "generic-58"))
        tasks = [asyncio.create_task(desk.png(Asked(document=str(number)))) for number in range(pictures.MAX_WAITING + 3)]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in done].count(Overloaded) == 3
        assert sum(isinstance(one, bytes) for one in done) == pictures.MAX_WAITING
        assert isinstance(await desk.png(Asked(document="after")), bytes)

    asyncio.run(scene())


def test_a_child_that_fails_is_told() -> None:
    async def scene() -> None:
        with pytest.raises(TillkeeperError, match="no model 'abacus'"):
            await drawing(lambda _asked: Encoded(b"x", "abacus")).png(Asked(document="receipt"))

    asyncio.run(scene())


def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "DEADLINE_S", 0.01)

    async def scene() -> None:
        with pytest.raises(TillkeeperError, match="no picture within"):
            await drawing().png(Asked(document="receipt"))

    asyncio.run(scene())


def test_a_register_shows_its_papers(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(config_in(tmp_path)) as register:
            options = await register.get("/preview")
            assert options["documents"] == list(DOCUMENTS)
            assert {"grill", "bar"} <= set(options["stations"])
            assert 32 in options["columns"]
            assert "de" in options["languages"]
            answer = await register.client.get("/v1/preview/kitchen_ticket?station=grill&language=de&columns=32")
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
            assert answer.headers["cache-control"] == "no-store"
            assert size_of(answer.content)[0] == 384 + 2 * 24
            for path in ("menu", "receipt?language=tlh", "receipt?columns=33", "receipt?station=attic"):
                await register.get(f"/preview/{path}", status=404)
            await register.get("/preview/receipt?columns=1000", status=422)

    asyncio.run(scene())


def test_the_command_line_shows_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "slip.png"
    command = ["render", "kitchen_ticket", "--station", "grill", "--language", "de", "--columns", "32", "--training"]
    assert main([*command, "--mark", "DUPLICATE", "--out", str(picture)]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].strip() == "DUPLIKAT"
    assert said.count("ÜBUNG") == 2
    assert "TISCH 12" in said
    assert size_of(picture.read_bytes())[0] == 384 + 2 * 24
    assert main(["render", "receipt", "--copy", "2"]) == 0
    assert "COPY 2" in capsys.readouterr().out
    assert main(["render", "kitchen_ticket", "--station", "attic"]) == 1
    assert "there are grill, cold, bar" in capsys.readouterr().err
    assert main(["render", "receipt", "--profile", "tm-m30"]) == 2


def narrow(columns: int, port: int = 1) -> Config:
    """The grill's printer is set to a narrower paper than its model has."""
    grill = msgspec.structs.replace(CONFIG.devices["grill"], columns=columns, address=f"127.0.0.1:{port}")
    return msgspec.structs.replace(CONFIG, devices={**CONFIG.devices, "grill": grill})


def test_a_printer_with_another_paper_than_its_model() -> None:
    asked = Asked(document="kitchen_ticket", station="grill")
    assert b"-" * 48 in registry.preview(asked, CONFIG).data
    previewed = registry.preview(asked, narrow(35))
    assert previewed.profile == "tm-m30"
    assert b"-" * 35 in previewed.data
    assert b"-" * 36 not in previewed.data

    async def scene() -> None:
        async with VirtualPrinter("tm-m30", speed_mm_s=0) as printer:
            config = narrow(35, printer.port)
            made = registry.Registry(config, lambda _digests: {}, lambda _event: None)
            job = samples.sample("kitchen_ticket", config, station="grill")
            await made.device("grill").deliver(made.document(job), b"aaaa")
            await made.close()
            assert "\n" + "-" * 35 + "\n" in printer.store.slips[0].text

    asyncio.run(scene())
