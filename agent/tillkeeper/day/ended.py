"""Where the logs of a register ended: what its later logs say of them, and which unknown ends a close has named. Pure."""

import msgspec

from tillkeeper.contract.day import DayClosed
from tillkeeper.contract.events import IncarnationBegan

KNOWS_ITS_END = frozenset({"corrupt_journal", "machine_changed", "by_hand"})
"""Why the next log began, where that says how far this one went. Of one that two disks wrote on, each knows its own branch."""


class Ended(msgspec.Struct):
    """`said`: register -> log -> where it ended, as the next one says; 0 where that does not know. A log whose name went with
    its journal is "before" the one that began then. `signed`: register -> log -> the first day that was closed over its unknown
    end."""

    said: dict[str, dict[str, int]] = {}
    signed: dict[str, dict[str, str]] = {}

    def began(self, register: str, incarnation: str, event: IncarnationBegan) -> None:
        previous = event.previous_incarnation
        if not previous and event.reason == "corrupt_journal":
            previous = f"before {incarnation}"
        if previous:
            said = self.said.setdefault(register, {})
            end = event.previous_last_seq if event.reason in KNOWS_ITS_END else 0
            said[previous] = max(end, said.get(previous, 0))

    def closed(self, event: DayClosed) -> None:
        for gap in event.gaps:
            signed = self.signed.setdefault(gap.register, {})
            for one in gap.lost:
                signed[one] = min(event.day, signed.get(one, event.day))

    def is_over(self, register: str, incarnation: str) -> bool:
        """Whether the register is known to write it no more."""
        return incarnation in self.said.get(register, ()) or incarnation in self.signed.get(register, ())

    def logs(self, register: str) -> set[str]:
        """Those of which a later one speaks."""
        return set(self.said.get(register, ()))

    def is_lost(self, register: str, incarnation: str, known: int, day: str) -> bool:
        """Of a log that is over: whether nobody can know that it ended where it is `known` to, and no close before `day` named
        that. Others may hold more than its disk had after that was put back, or less than it had before it was destroyed."""
        end = self.said.get(register, {}).get(incarnation, 0)
        return (end == 0 or end != known) and self.signed.get(register, {}).get(incarnation, day) >= day
