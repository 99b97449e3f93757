"""Do the chains on a register's disk verify, and which conflicts does it list."""

import sqlite3
from collections.abc import Iterator, Mapping

import apsw
from tests.storelab.disks import Disk
from tests.storelab.machine import Machine

from tillkeeper.contract.chain import ChainBroken
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.faults import StorageUnreadable
from tillkeeper.journal.verify import verify_file
from tillkeeper.replication.held.rows import Named, read_events, read_known

AT_ONCE = 500


def chains(machine: Machine) -> list[str]:
    """What does not verify on the disk of a machine whose agent has ended. Blocking."""
    found = []
    for journal in machine.data.glob("journal*.db"):
        try:
            found += [f"{machine.name} {one.incarnation}: {one.problem}" for one in verify_file(journal) if one.problem]
        except StorageUnreadable as error:
            found.append(f"{machine.name} {journal.name}: {error}")
    try:
        found += _held(machine)
    except (apsw.Error, sqlite3.Error) as error:
        found.append(f"{machine.name}: what it holds can not be read: {error}")
    return found


def _held(machine: Machine) -> Iterator[str]:
    file = machine.data / "held.db"
    if not file.exists():
        return
    connection = connect_reader(file)
    try:
        for log, held in read_known(connection).items():
            at = 0
            try:
                while events := read_events(connection, Named(held.log_no, "store-1", log), at, AT_ONCE):
                    at = events[-1].seq
            except ChainBroken as broken:
                yield f"{machine.name} holds {log}: {broken}"
    finally:
        connection.close(True)


def conflicts(found: Mapping[str, Disk]) -> Iterator[tuple[str, str]]:
    """Logs with events in somebody's quarantine."""
    for disk in found.values():
        for event in disk.aside.values():
            yield event.register, event.incarnation
