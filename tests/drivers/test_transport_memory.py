"""The fake must misbehave as told, or tests that lean on it prove nothing."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper_drivers.api import TransportError
from tillkeeper_drivers.transport.memory import Faults, MemoryTransport


def talk(transport: MemoryTransport, *writes: bytes, answer: int = 0) -> bytes:
    """Write, drain, then read `answer` bytes."""

    async def run() -> bytes:
        got = b""
        async with transport.connect(1) as connection:
            for data in writes:
                await connection.write(data, 1)
            await connection.drain(1)
            while len(got) < answer:
                got += await connection.read(1)
        return got

    return asyncio.run(run())


@given(st.binary(min_size=1, max_size=200), st.integers(0, 99))
def test_portions_keep_order_and_lose_nothing(data: bytes, seed: int) -> None:
    transport = MemoryTransport(bytes.upper, Faults(split_reads=True, split_writes=True), seed)
    assert talk(transport, data, answer=len(data)) == data.upper()
    assert transport.received == data


def test_late_answers_keep_their_order() -> None:
    transport = MemoryTransport(bytes, Faults(delay_s=0.01, split_writes=True), seed=1)
    assert talk(transport, bytes(range(200)), answer=200) == bytes(range(200))


@pytest.mark.parametrize("count", [0, 1, 5, 9])
def test_a_reset_takes_exactly_so_many_bytes(count: int) -> None:
    transport = MemoryTransport(bytes, Faults(reset_after=count))
    with pytest.raises(TransportError) as caught:
        talk(transport, b"0123456789")
    assert (caught.value.reason, transport.received) == ("lost", b"0123456789"[:count])


def test_a_peer_that_stops_reading_never_drains() -> None:
    transport = MemoryTransport(bytes, Faults(reads_at_most=4))
    with pytest.raises(TransportError) as caught:
        talk(transport, b"0123456789")
    assert (caught.value.reason, caught.value.bytes_left, transport.received) == ("stalled", True, b"0123")


def test_an_orderly_end_still_delivers_what_was_answered() -> None:
    assert talk(MemoryTransport(bytes, Faults(close_after=3)), b"abc", answer=3) == b"abc"


def test_the_same_seed_fails_the_same_way() -> None:
    def lost(seed: int) -> int:
        transport = MemoryTransport(lambda data: data, Faults(lose=0.5, split_writes=True), seed)

        async def run() -> int:
            async with transport.connect(1) as connection:
                await connection.write(bytes(1000), 1)
                return len(await connection.read(1))

        return asyncio.run(run())

    assert lost(7) == lost(7)
    assert len({lost(seed) for seed in range(8)}) > 1
