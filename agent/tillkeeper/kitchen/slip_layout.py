"""The test slip: shows that the right paper comes out of the right device, with its characters and its cut."""

from tillkeeper.config.model import Config
from tillkeeper.kitchen.local_time import local_text
from tillkeeper.kitchen.ticket_layout import mark_blocks
from tillkeeper.spool.model import Job, TestSlipData
from tillkeeper_drivers.api import Block, Columns, Feed, Rule, Text


def blocks(data: TestSlipData, job: Job, config: Config) -> tuple[Block, ...]:
    """See `layout.print_document`."""
    device = config.devices.get(job.device)
    serves = [station.title for station in config.stations.values() if job.device in station.devices]
    said: list[Block] = [
        *mark_blocks(job.marks),
        Text("TEST", align="centre", width=3, height=3, bold=True),
        Columns(config.store.name, local_text(data.requested_at_ms, config.store.timezone, "%Y-%m-%d %H:%M:%S")),
        Rule(),
        Columns("Device", job.device),
    ]
    if device is not None:
        said.append(Columns("Profile", device.profile or device.kind))
    if serves:
        said.append(Columns("Stations", ", ".join(serves)))
    said += [Rule(), Text("AaBb 0123456789 äöüß éèê ñ ç € £", bold=True), Text("Not an order. Nothing is owed."), Feed(1)]
    return tuple(said)
