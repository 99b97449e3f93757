"""Which tickets another register has adopted: what its own signed log says, and nothing else. Pure.

A member that lies could make a register that comes back believe that its tickets are printed. It has to write that lie into its
log, signed, at one place that HQ and others have too.
"""

from collections.abc import Callable, Collection, Sequence

from tillkeeper.contract.documents import DocumentRerouted
from tillkeeper.contract.ed25519 import verify
from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.signing import HeadRefused, check_head
from tillkeeper.replication.model import LogId
from tillkeeper.spool.adopting import adopted_id

MAX_PROVEN = 200
"""Of one register; each costs the check of a signature."""


def adopted_by(
    register: str, shown: Sequence[HqBatch], store: str, keys: Collection[str], hash_at: Callable[[LogId, int], str]
) -> tuple[str, ...]:
    """The jobs that `register` has adopted. `shown`: batches of one `document_rerouted` each. `keys`: that it ever had.
    `hash_at`: of the event that is held here in a place of its log, empty where that is not known."""
    found = (_adopted(register, batch, store, keys, hash_at) for batch in shown[:MAX_PROVEN])
    return tuple(job_id for job_id in found if job_id)


def _adopted(
    register: str, batch: HqBatch, store: str, keys: Collection[str], hash_at: Callable[[LogId, int], str]
) -> str:
    if len(batch.events) != 1 or (batch.store, batch.register) != (store, register):
        return ""
    event = batch.events[0]
    log = LogId(register, batch.incarnation)
    if (event.store, event.register, event.incarnation) != (store, *log) or hash_at(log, event.seq) not in ("", event.hash):
        return ""
    try:
        check_head(batch, keys, verify, relayed=True)
    except HeadRefused:
        return ""
    moved = read_event(event)
    if not isinstance(moved, DocumentRerouted) or moved.new_job_id != adopted_id(moved.job_id, register):
        return ""
    return moved.job_id
