"""The fired tickets of a register that died, to be printed by this one. Pure: what replication hands over becomes jobs here.

Whoever calls it (replication, `docs/devices-policy.md`) answers for that the originator prints nothing any more: it is
fenced, and one adopter was chosen. Handing over the same ticket again makes no second one: the new job's id follows from
the old one's.
"""

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec

from tillkeeper.config.model import Config
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.model import Job, TicketData
from tillkeeper.spool.policy import KITCHEN, POSSIBLE_DUPLICATE

FROM_REGISTER = "FROM REGISTER"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID_DIGITS = 26


class Orphan(msgspec.Struct, frozen=True):
    """A fired ticket, as the originator's job was last heard of. `printed`: whether it is on paper; "unknown" wherever an
    attempt may have begun that nobody heard the end of."""

    job: Job
    printed: Literal["no", "unknown"] = "unknown"


def adopted_id(job_id: str, register: str) -> str:
    """The id, formed as all are, of the job that `register` makes of another one's."""
    return _id_of(f"{register}\n{job_id}")


def wired_id(origin: str, device: str) -> str:
    """The id under which the register that `device` is wired to keeps what became of another one's job, all attempts of it, and
    those of registers that adopted it. `origin`: the first id of that job."""
    return _id_of(f"wired\n{device}\n{origin}")


def _id_of(text: str) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    digits = []
    for _ in range(_ID_DIGITS):
        number, digit = divmod(number, 32)
        digits.append(_CROCKFORD[digit])
    return "".join(reversed(digits))


def adopt(tickets: Iterable[Orphan], originator: str, config: Config) -> tuple[Job, ...]:
    """The jobs that this register makes of them, in the originator's order. What is settled there, or is not for the kitchen,
    is left out: a receipt's guest stands elsewhere, and a drawer is never opened late. Practice is nobody's loss.

    A device that this register does not have gives way to the station's own ones; where the station is unknown too, to nothing:
    such a ticket is not in the answer, and the caller sees which.
    """
    found = []
    for orphan in sorted(tickets, key=lambda one: one.job.order):
        job = orphan.job
        if job.document_class not in KITCHEN or steps.is_settled(job.state) or not isinstance(job.data, TicketData):
            continue
        device = _device(job, config)
        if job.data.training or not device:
            continue
        known = orphan.printed == "no" and not job.may_have_printed and job.state != "sending"
        marks = steps.with_mark(job.marks, f"{FROM_REGISTER} {originator.upper()}")
        found.append(
            msgspec.structs.replace(
                job,
                job_id=adopted_id(job.job_id, config.this_register),
                device=device,
                state="queued",
                origin=job.origin or job.job_id,
                marks=marks if known else steps.with_mark(marks, POSSIBLE_DUPLICATE),
                may_have_printed=not known,
                attempts=0,
                unknown_attempts=0,
                first_refused_at_ms=None,
                next_try_at_ms=0,
                token="",
                reason=f"adopted from register {originator}",
                evidence="",
                visited=(),
                round=0,
            )
        )
    return tuple(found)


def _device(job: Job, config: Config) -> str:
    for name in (job.home, job.device):
        if name in config.devices:
            return name
    station = config.stations.get(job.station)
    return station.devices[0] if station is not None else ""
