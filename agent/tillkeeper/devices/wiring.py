"""What joins the two ends: which devices are wired to which register, and the lines to those."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from tillkeeper.config.model import Config
from tillkeeper.contract.roles import Epoch
from tillkeeper.devices import wired_wire as wire
from tillkeeper.devices.remote import Remote
from tillkeeper.devices.wired import Bench, Fence, Printing, WiredJournal
from tillkeeper.errors import Refused
from tillkeeper.replication.trouble import SinkTrouble
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.model import Job

if TYPE_CHECKING:
    from tillkeeper.replication.peers.asking import Asking


class Wiring:
    """Of one register.

    Args:
        asking: the lines to the other registers; None where this one keeps to itself.
        epoch: of the store's roles, as they count here.
    """

    def __init__(
        self,
        config: Config,
        journal: WiredJournal,
        asking: "Asking | None",
        spool: Callable[[], Printing],
        epoch: Callable[[], Epoch],
        fence: Fence,
        now_s: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self._config, self._journal, self._asking, self._epoch = config, journal, asking, epoch
        self.bench = Bench(journal, spool, self._mine, fence, now_s, now_ms)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to answer the others, once the spool is there."""
        if self._asking is not None:
            answers = {wire.DO: self.bench.do, wire.STATE: self.bench.state, wire.STATUS: self.bench.status}
            self._asking.answers.update(answers)
            tasks.create_task(self.bench.run(), name="devices.wired")

    def remote(self, name: str) -> Remote:
        """The driver of a device that is wired to another register."""
        return Remote(name, self._config.wired_to(name), self, self._job, self._epoch)

    def there(self, register: str) -> bool:
        """See `remote.Lines`."""
        return self._asking is not None and self._asking.there(register)

    async def ask(self, register: str, topic: str, body: bytes, within_s: float) -> bytes:
        """See `remote.Lines`."""
        if self._asking is None:
            raise SinkTrouble("unreachable", f"register {register}", "this register keeps to itself")
        return await self._asking.ask(register, topic, body, within_s)

    def _mine(self, name: str) -> bool:
        device = self._config.devices.get(name)
        return device is not None and device.register == self._config.this_register

    def _job(self, job_id: str) -> Job | None:
        row = self._journal.job(job_id)
        return steps.decode(row.body) if row is not None else None


def refuse(operation: str, device: str, config: Config) -> None:
    """Raises: Refused: it is set up at the register that it is wired to."""
    if register := config.wired_to(device):
        cause, hint = f"it is wired to register {register}", f"do it at register {register}"
        raise Refused("wired_elsewhere", operation, f"device {device}", cause, hint, register=register)
