"""A small part of `make fuzz`: what is in the documents of agent and HQ, asked in ways that nobody thought of."""

import asyncio
from pathlib import Path

from tests.fuzz import targets
from tests.fuzz.closed import ask_all, is_open, operations
from tests.fuzz.runs import run
from tests.fuzz.targets import Target

SEED = 20261123
OPEN_AT_AGENT = {"/v1/health", "/v1/pair", "/v1/authority.crt"}
OPEN_AT_HQ = {"/healthz", "/openapi.json"}


async def _nobody_is_answered(target: Target, open_paths: set[str]) -> None:
    document = await target.document()
    told = {path for _, path, described in operations(document) if is_open(described)}
    assert told <= open_paths
    asked = await ask_all(target.url, document, target.known)
    assert len(asked) == 4 * sum(not is_open(described) for _, _, described in operations(document))
    let_in = [one[:3] for one in asked if one.answer.status_code not in (401, 429)]
    assert not let_in
    assert asked[0].answer.status_code == 401
    assert {one.answer.headers["content-type"] for one in asked} == {"application/problem+json"}


async def _all_is_as_the_document_says(target: Target, folder: Path, examples: int) -> None:
    for name, token in target.tokens.items():
        phases = ("fuzzing", "stateful") if name in ("full", "register") else ("fuzzing",)
        found = await run(target, token, folder, examples=examples, seed=SEED, phases=phases)
        assert not found.failures, f"with the token of {name}\n{found.said}"
        assert found.operations > 0.9 * len(list(operations(await target.document()))), found.said
    if target.log is not None:
        assert "unexpected error" not in target.log.read_text("utf-8", "replace")


def test_an_agent_answers_as_its_document_says_and_nobody_without_a_token(tmp_path: Path) -> None:
    async def scene() -> None:
        async with targets.agent(tmp_path / "store") as target:
            await _nobody_is_answered(target, OPEN_AT_AGENT)
            await _all_is_as_the_document_says(target, tmp_path, examples=2)

    asyncio.run(scene())


def test_an_hq_answers_as_its_document_says_and_nobody_without_a_token(tmp_path: Path) -> None:
    async def scene() -> None:
        async with targets.hq(tmp_path) as target:
            await _nobody_is_answered(target, OPEN_AT_HQ)
            await _all_is_as_the_document_says(target, tmp_path, examples=3)

    asyncio.run(scene())
