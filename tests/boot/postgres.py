"""HQ with its books in PostgreSQL on the same machine, set up by what docs/hq.md tells a person to type."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.boot import image, installed
from tests.boot.disk import Disk
from tests.boot.headquarters import UNIT, Headquarters
from tests.boot.installed import Layers

PACKAGES = (*image.PACKAGES, "postgresql")
DATA = "/var/lib/postgresql"
MEGABYTES = 400
CLUSTER, SERVER = "postgresql.service", "postgresql@15-main.service"
"""Debian's unit for all of them, and the one for the first."""
DOCS = image.ROOT / "docs" / "hq.md"
_STEPS = re.compile(r"^apt install postgresql\n(.*?)^```", re.MULTILINE | re.DOTALL)


class OnPostgres(Headquarters):
    database: Mapping[str, str] = {"database_file": "database-url"}

    @classmethod
    def layers(cls) -> Layers:
        return installed.installed(installed.HQ, PACKAGES)

    def _disks(self, folder: Path) -> dict[str, Disk]:
        return {DATA: _Cluster(folder, "postgresql", MEGABYTES)}

    def boot(self) -> None:
        """HQ is there first, and waits for its database."""
        super().boot()
        found = _STEPS.search(DOCS.read_text())
        assert found is not None, f"{DOCS.name} does not say how PostgreSQL is set up"
        self.machine.run("sh", "-ec", found[1])

    def kill_database(self) -> None:
        """SIGKILL of the server, which its sessions do not outlive."""
        self.machine.run("kill", "-9", str(self.machine.main_pid(SERVER)))

    def words(self) -> str:
        """What HQ tells systemd of itself."""
        return self.machine.shown(UNIT, "StatusText")


class _Cluster(Disk):
    """With what Debian's package has made at its installation."""

    def __enter__(self) -> "_Cluster":
        super().__enter__()
        image.run("cp", "-a", f"{image.base(PACKAGES)}{DATA}/.", str(self.place))
        return self
