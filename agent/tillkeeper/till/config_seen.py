"""Whether the configuration is another one than at the start before. What changed in it is not told: the file is root's, and
whoever may write it may do anything on this machine."""

import hashlib

import msgspec

from tillkeeper.config.model import Config
from tillkeeper.contract.acts import ActNoted
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.till.stamp import Stamp

SETTING = "config-sha256"


async def note_change(journal: Journal, stamp: Stamp, config: Config) -> None:
    """Journal `change_config` where it differs; the first one of a journal is only remembered. Raises: StorageRefused."""
    digest = hashlib.sha256(msgspec.json.encode(config, order="deterministic")).hexdigest()
    kept = journal.setting(SETTING)
    if kept == digest.encode():
        return
    events = (stamp(ActNoted(operation="change_config", subject=digest)),) if kept else ()
    await journal.append(Batch(events=events, settings={SETTING: digest.encode()}))
