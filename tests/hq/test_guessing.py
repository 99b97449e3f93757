"""Guessing with many hands at once: no way round the count, and registers are served meanwhile."""

import asyncio
import re
import threading
from collections import Counter
from pathlib import Path

import httpx
from tests.hq.people import Office, Person, add_by_command, password_of
from tests.hq.world import STORE, Log, running, token

from tillkeeper_hq.pages.door import WAITING

AT_ONCE = 24


def guess(url: str, codes: list[int]) -> None:
    codes.append(Person(base=url).sign_in("mia", "wrong wrong wrong").status_code)


def test_many_guesses_at_once_are_counted_one_by_one(database: str, tmp_path: Path) -> None:
    with running(tmp_path) as hq:
        add_by_command(hq, "mia", "owner")
        codes: list[int] = []
        threads = [threading.Thread(target=guess, args=(hq.url, codes)) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(codes) == {401: 5, 429: AT_ONCE - 5}
        assert Person(base=hq.url).sign_in("mia", password_of("mia")).status_code == 429
        assert hq.is_running, database


def test_who_guesses_takes_no_room_from_the_registers(tmp_path: Path) -> None:
    log = Log()
    log.sale("c1", 1190)

    async def guesses(office: Office) -> Counter[int]:
        async def one(client: httpx.AsyncClient, name: str) -> int:
            page = await client.get("/login")
            key = re.search(r'name="form_key" value="([0-9a-f]+)"', page.text)
            assert key
            form = {"form_key": key[1], "name": name, "password": "wrong wrong wrong"}
            cookie = page.headers["set-cookie"].partition(";")[0]
            return (await client.post("/login", data=form, headers={"Cookie": cookie})).status_code

        async with office.clients() as new_client:
            tasks = [asyncio.create_task(one(new_client(), f"name {n}")) for n in range(3 * WAITING)]
            await asyncio.wait(tasks, timeout=60, return_when=asyncio.FIRST_COMPLETED)
            secret = {"Authorization": f"Bearer {token(f'{STORE}-till-1')}"}
            answer = await new_client().post("/v1/events", content=office.written(log.batch()), headers=secret)
            assert answer.json()["held_seq"] == 3
            return Counter(await asyncio.gather(*tasks))

    with Office(tmp_path) as office:
        codes = office.run(guesses(office))
    # How many are turned away follows from the disk: where it is slower than a password's check, none has to be.
    assert codes[401] >= WAITING
    assert codes[401] + codes[503] == 3 * WAITING
