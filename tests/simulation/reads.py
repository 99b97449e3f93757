"""What a journal answers about the checks, jobs and commands on its disk: as `tillkeeper.journal.reader`, in memory."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from tillkeeper.journal.commit import key_digest
from tillkeeper.journal.records import CheckRow, JobRow, KeptCommand, StoredCheck

if TYPE_CHECKING:
    from tests.simulation.disk import Kept, Platter


class Reads:
    """Over a `platter`. Checks are in the order in which they were opened."""

    platter: "Platter"

    def setting(self, name: str) -> bytes | None:
        return self.platter.settings.get(name)

    def catalogue(self, version: str) -> bytes | None:
        return self.platter.catalogues.get(version)

    def kept_command(self, key: str) -> KeptCommand | None:
        if (told := self.platter.answers.get(key_digest(key))) is not None:
            return KeptCommand(key, told.body_sha256, told.result, told.at_ms)
        return self.platter.commands.get(key)

    def personal(self, _digests: Iterable[str]) -> dict[str, str]:
        return {}

    def personal_texts(self, _digests: Iterable[str]) -> dict[str, tuple[str, str]]:
        return {}

    def check(self, check_id: str) -> StoredCheck | None:
        kept = self.platter.checks.get(check_id)
        return _stored(kept) if kept is not None else None

    def older_logs(self, check_id: str) -> tuple[str, ...]:
        kept = self.platter.checks.get(check_id)
        return kept.logs[:-1] if kept is not None else ()

    def checks(
        self, state: str | None = None, business_day: str | None = None, limit: int = 50, before: str = ""
    ) -> list[StoredCheck]:
        found = [
            kept
            for kept in reversed(self.platter.checks.values())
            if state in (None, kept.row.state) and business_day in (None, kept.row.business_day)
        ]
        ids = [kept.row.check_id for kept in found]
        first = ids.index(before) + 1 if before in ids else 0
        return [_stored(kept) for kept in found[first : first + limit]]

    def open_checks(self) -> list[StoredCheck]:
        return [_stored(kept) for kept in self.platter.checks.values() if kept.row.state == "open"]

    def waiting_fires(self) -> list[StoredCheck]:
        waiting = [kept for kept in self.platter.checks.values() if kept.row.next_fire_at_ms is not None]
        return [_stored(kept) for kept in sorted(waiting, key=lambda kept: kept.row.next_fire_at_ms or 0)]

    def find_check(self, ticket_code: str, business_day: str) -> StoredCheck | None:
        return self._newest(lambda row: (row.ticket_code, row.business_day) == (ticket_code, business_day))

    def check_by_number(self, number: int) -> StoredCheck | None:
        return self._newest(lambda row: row.number == number)

    def _newest(self, fits: Callable[[CheckRow], bool]) -> StoredCheck | None:
        return next((_stored(kept) for kept in reversed(self.platter.checks.values()) if fits(kept.row)), None)

    def job(self, job_id: str) -> JobRow | None:
        row = self.platter.jobs.get(job_id)
        doubtful = row is not None and not row.settled and job_id in self.platter.doubted
        return msgspec.structs.replace(row, doubtful=True) if row is not None and doubtful else row

    def unsettled_jobs(self, device: str = "", state: str = "", limit: int = -1) -> list[JobRow]:
        found = [
            row
            for row in self.platter.jobs.values()
            if not row.settled and device in ("", row.device) and state in ("", row.state)
        ]
        return found if limit < 0 else found[:limit]

    def devices_with_jobs(self) -> list[str]:
        return list(dict.fromkeys(row.device for row in self.platter.jobs.values() if not row.settled))


def _stored(kept: "Kept") -> StoredCheck:
    return StoredCheck(kept.row, kept.last_seq, kept.logs[-1], kept.logs[:-1])
