"""What a register has adopted it tells the one that comes back."""

import asyncio
from collections.abc import Iterable, Sequence

from tests.replication.registers import until
from tests.replication.test_orphans import fired, moved, opened

from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import DocumentRerouted
from tillkeeper.contract.envelope import Envelope, SignedHead
from tillkeeper.contract.events import EVENT_TYPES, TYPE_NAMES, encode_body
from tillkeeper.contract.placing import read_event
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.records import Appended, Batch, JobRow
from tillkeeper.replication.adoption import Adoption
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.peers.state import PeerState
from tillkeeper.spool.adopting import Orphan, adopted_id
from tillkeeper.spool.model import Job


class Logs:
    """What register b has and holds."""

    def __init__(self) -> None:
        self.told: dict[LogId, list[Envelope]] = {}

    def tell(self, register: str, *events: Event) -> None:
        log = self.told.setdefault(LogId(register, "i"), [])
        for event in events:
            name = TYPE_NAMES[type(event)]
            seq, version = len(log) + 1, EVENT_TYPES[name][1]
            body = encode_body(event).decode()
            log.append(Envelope("s", register, "i", seq, name, version, "2026-11-22", 1_000, body, "", ""))

    def heads(self) -> dict[LogId, Mark]:
        return {name: Mark(*name, len(events), "") for name, events in self.told.items()}

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        return self.told[log][after_seq : after_seq + limit]

    def head_for(self, log: LogId, up_to_seq: int) -> SignedHead | None:
        return SignedHead("s", *log, up_to_seq, "", "", "")


class Settings:
    """The journal, of which only the settings count."""

    def __init__(self, refuses: int = 0) -> None:
        self.kept: dict[str, bytes] = {}
        self.refuses = refuses

    def setting(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def job(self, job_id: str) -> JobRow | None:
        raise AssertionError(job_id)

    async def append(self, batch: Batch) -> Appended:
        if self.refuses:
            self.refuses -= 1
            raise StorageRefused("write", "journal", "the disk is full")
        self.kept |= batch.settings
        return Appended(0, "")


class Peers:
    def __init__(self) -> None:
        self.states = {name: PeerState(name) for name in ("a", "c")}


class Spool:
    """Writes down what it takes over, as the real one does, before it answers."""

    def __init__(self, logs: Logs) -> None:
        self.logs = logs
        self.printed: list[tuple[str, str]] = []

    async def adopt(self, tickets: Sequence[Orphan], originator: str) -> tuple[Job, ...]:
        for one in tickets:
            self.logs.tell("b", moved(one.job.job_id, adopted_id(one.job.job_id, "b")))
            self.printed.append((originator, one.job.job_id))
        return tuple(one.job for one in tickets)

    async def given_up(self, job_ids: object, register: str) -> None:
        raise AssertionError(register)


def told(logs: Logs, settings: Settings, *printed: tuple[str, str]) -> dict[str, list[str]]:
    """By register: which of its jobs it is told to be printed by b, once there are any. `printed`: whose jobs are."""

    def jobs(adoption: Adoption, register: str) -> list[str]:
        events = (read_event(batch.events[0]) for batch in adoption.told_adopted(register))
        return [event.job_id for event in events if isinstance(event, DocumentRerouted)]

    async def scenario() -> dict[str, list[str]]:
        adoption = Adoption(
            "b", ("a", "b", "c"), Peers(), logs, settings, after_s=0.0, now_s=lambda: 100.0, now_ms=lambda: 1_000
        )
        spool = Spool(logs)
        running = asyncio.create_task(adoption.run(spool))
        await until(lambda: running.done() or len(settings.kept) == 2)
        running.cancel()
        await asyncio.wait([running])
        assert spool.printed == list(printed)
        return {register: jobs(adoption, register) for register in ("a", "c")}

    return asyncio.run(scenario())


def test_what_another_prints_is_given_up_also_where_it_was_being_tried_when_that_was_told() -> None:
    """Where the printer is off nothing comes of that try, and the next one would print it here as well."""

    class Busy(Spool):
        async def given_up(self, job_ids: Iterable[str], register: str) -> None:
            asked.append(tuple(job_ids))
            waiting.difference_update({"j1"} if len(asked) == 1 else job_ids)

    class Waiting(Settings):
        def job(self, job_id: str) -> JobRow | None:
            return JobRow(job_id, "grill", "sending", 0, job_id not in waiting, b"{}")

    async def scenario() -> None:
        adoption = Adoption("b", ("a", "b"), Peers(), Logs(), Waiting(), after_s=60.0, now_s=lambda: 0.0, now_ms=lambda: 0)
        adoption.adopted_elsewhere("a", ("j1", "j2"))
        for _ in range(3):
            await adoption.give_up(Busy(Logs()))

    asked, waiting = list[tuple[str, ...]](), {"j1", "j2"}
    asyncio.run(scenario())
    assert asked == [("j1", "j2"), ("j2",)]


PRINTED = (("a", "j1"), ("a", "j2"), ("c", "j3"))


def fired_by_two() -> Logs:
    logs = Logs()
    logs.tell("a", opened(), fired("j1"), fired("j2"))
    logs.tell("c", fired("j3"))
    return logs


def test_each_of_two_silent_registers_is_told_of_its_own_tickets() -> None:
    assert told(fired_by_two(), Settings(), *PRINTED) == {"a": ["j1", "j2"], "c": ["j3"]}


def test_who_was_killed_after_printing_tells_it_all_the_same() -> None:
    logs = fired_by_two()
    logs.tell("b", *(moved(job, adopted_id(job, "b")) for job in ("j1", "j2", "j3")), moved("j9", "another"))
    assert told(logs, Settings()) == {"a": ["j1", "j2"], "c": ["j3"]}


def test_a_disk_that_refuses_after_printing_is_asked_again() -> None:
    assert told(fired_by_two(), Settings(refuses=1), *PRINTED) == {"a": ["j1", "j2"], "c": ["j3"]}
