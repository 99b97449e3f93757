"""HQ's OpenAPI document: valid, complete, and the one in docs."""

import json
from pathlib import Path

import httpx
from tests.hq.world import READER, SHOP, Log, running, token

from tillkeeper_hq import openapi

ROOT = Path(__file__).resolve().parents[2]


def test_it_is_valid_and_the_one_in_docs() -> None:
    from openapi_spec_validator import validate  # four seconds of a processor, in each worker, where the module imports it

    document = json.loads(json.dumps(openapi.document()))
    validate(document)
    assert document["openapi"] == "3.1.0"
    kept = json.loads((ROOT / "docs" / "hq-openapi.json").read_text())
    assert kept == document, "python -m tillkeeper_hq.openapi > docs/hq-openapi.json"
    ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids)) == len(openapi.ROUTES)


def test_every_route_of_the_server_is_in_it(tmp_path: Path) -> None:
    """But for the pages: they are for people, no part of the contract (docs/hq.md)."""
    from tillkeeper_hq.app import create_app
    from tillkeeper_hq.credentials import parse
    from tillkeeper_hq.database import Database
    from tillkeeper_hq.pages.site import PAGES
    from tillkeeper_hq.sqlite import SqliteBackend

    with Database(SqliteBackend(tmp_path), 1) as database:
        served = create_app(database, parse("{}", "none"))
    found = {(method, getattr(route, "path", "")) for route in served.routes for method in getattr(route, "methods", ())}
    pages = {*(one.path for one in PAGES), "/static/{name}"}
    told = {(route.method, route.path) for route in openapi.ROUTES}
    assert {one for one in found if one[0] != "HEAD" and one[1] not in pages} == told


def test_the_server_answers_with_it_and_as_it_says(tmp_path: Path) -> None:
    """Answers hold every field that the document requires, and none that it does not name."""
    log = Log()
    log.sale("c1", 1190)
    log.raw("check_voided", "{}")
    with running(tmp_path) as hq:
        document = httpx.get(hq.url + "/openapi.json", timeout=20, trust_env=False).json()
        assert document == json.loads(json.dumps(openapi.document()))
        hq.send(log.batch())
        order = b'{"id": "w-1", "order_type": "takeout", "lines": [{"item_id": "cola"}]}'
        assert hq.post_to("/v1/stores/corner/online-orders", order, SHOP).status_code == 201
        query = {"store": "corner", "register": "till-1", "incarnation": "inc-1", "day": "2026-11-21"}
        for route in openapi.ROUTES:
            if route.method == "GET" and route.answer is not None:
                path = route.path.replace("{reference}", "c1").format(store="corner", order="w-1")
                secret = SHOP if "online" in path else READER
                _fits(hq.get(path, secret, **query), _schema_of(document, route), document)
        refused = hq.post(b"[", token("till-1"))
        assert refused.status_code == 400
        _fits(refused.json(), document["components"]["schemas"]["HqProblem"], document)


def _schema_of(document: dict, route: openapi.Described) -> dict:  # type: ignore[type-arg]
    answer = document["paths"][route.path][route.method.lower()]["responses"]["200"]
    return dict(answer["content"]["application/json"]["schema"])


def _fits(found: object, schema: dict, document: dict) -> None:  # type: ignore[type-arg]
    from jsonschema import Draft202012Validator

    Draft202012Validator({**schema, "components": document["components"]}).validate(found)
