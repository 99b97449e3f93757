"""While a link catches up it works in pieces, and a sale that comes meanwhile goes first."""

import asyncio

from tests.replication.world import REGISTER, STORE, MemoryLogs

from tillkeeper.contract.envelope import Envelope, HqBatch
from tillkeeper.replication.batches import PIECE, Batches
from tillkeeper.replication.courtesy import LOOKS, Courtesy
from tillkeeper.replication.cursors import Send
from tillkeeper.replication.model import LogId

OWN = LogId(REGISTER, "now")


class WatchedLogs(MemoryLogs):
    """Notes what is read at once."""

    def __init__(self, own: int) -> None:
        super().__init__(own)
        self.read: list[int] = []

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        found = super().events(log, after_seq, limit)
        self.read.append(len(found))
        return found


def batch_of(logs: MemoryLogs, send: Send, courtesy: Courtesy) -> HqBatch:
    return asyncio.run(Batches(STORE, logs, courtesy.step_aside).next(send))


def test_a_large_batch_is_read_in_pieces_and_is_whole() -> None:
    logs = WatchedLogs(own=500)
    batch = batch_of(logs, Send(OWN, 100, 300), Courtesy())
    assert [event.seq for event in batch.events] == list(range(101, 401))
    assert max(logs.read) <= PIECE


def test_a_sale_that_comes_while_a_batch_is_read_is_done_before_the_next_piece() -> None:
    class SoldMeanwhile(WatchedLogs):
        """With the second piece a sale comes, that takes as long as a journal does."""

        in_hand = False
        read_when_sold = 0

        def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
            found = super().events(log, after_seq, limit)
            if len(self.read) == 2:
                self.in_hand = True
                asyncio.get_running_loop().call_later(0.003, self.sold)
            return found

        def sold(self) -> None:
            self.in_hand, self.read_when_sold = False, len(self.read)

    logs, courtesy = SoldMeanwhile(own=500), Courtesy()
    courtesy.in_hand = lambda: logs.in_hand
    assert len(batch_of(logs, Send(OWN, 0, 500), courtesy).events) == 500
    assert logs.read_when_sold == 2


def test_sales_without_a_pause_do_not_stop_the_books() -> None:
    logs, courtesy, asked = WatchedLogs(own=500), Courtesy(), 0

    def in_hand() -> bool:
        nonlocal asked
        asked += 1
        return True

    courtesy.in_hand = in_hand
    assert len(batch_of(logs, Send(OWN, 0, 500), courtesy).events) == 500
    assert asked <= LOOKS * (len(logs.read) + 1)


def test_what_was_just_sold_steps_aside_for_nobody() -> None:
    logs, courtesy = WatchedLogs(own=500), Courtesy()

    def in_hand() -> bool:
        raise AssertionError("asked")

    courtesy.in_hand = in_hand
    assert len(batch_of(logs, Send(OWN, 470, 30), courtesy).events) == 30
