"""The record of roles that HQ goes by as a witness."""

from pathlib import Path

from tests.hq.world import STORE, Log

from tillkeeper.contract.roles import RolesAssigned
from tillkeeper_hq.assignments import highest
from tillkeeper_hq.database import Database
from tillkeeper_hq.ingest import Taking
from tillkeeper_hq.sqlite import SqliteBackend


def test_a_record_of_a_later_version_is_not_read_as_one_of_this(tmp_path: Path) -> None:
    """What its fields mean HQ can not know: it is kept, and is no record here; nor does it end a witness's answer."""
    log = Log()
    log.add(RolesAssigned(primary="till-1", counter=3, register="till-1"))
    log.raw("roles_assigned", '{"primary":"till-2","counter":4,"register":"till-1"}', version=2)
    log.raw("roles_assigned", '{"holders":{"primary":["till-2"]}}', version=3)
    with Database(SqliteBackend(tmp_path)) as database:
        answer = database.write(Taking(log.batch(1, 3))).result(60)
        assert [verdict.verdict for verdict in answer.verdicts] == ["stored"] * 3
        found = database.read(lambda sql: highest(sql, STORE)).result(60)
    assert found is not None
    assert (found.primary, found.counter) == ("till-1", 3)
