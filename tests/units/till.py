"""A configured register under a test's manager."""

import tomllib
from pathlib import Path
from typing import Any

import httpx
from tests.support.toml import dumps, merged
from tests.units.manager import Manager

from tillkeeper.config.embedded import example_toml

ASK_S = 60.0


class Till:
    def __init__(self, folder: Path, held: Manager, changes: dict[str, Any] | None = None) -> None:
        self.manager, self.folder, self.socket = held, folder, folder / "till.sock"
        self.data, self.config_file = folder / "data", folder / "till.toml"
        own = {"data_dir": str(self.data), "api": {"socket": str(self.socket)}, "network": {"watch": False}}
        self.write(merged(merged(tomllib.loads(example_toml()), own), changes or {}))

    def write(self, config: dict[str, Any]) -> None:
        self.config_file.write_text(dumps(config), "utf-8")

    def start(self, environment: dict[str, str] | None = None) -> int:
        return self.manager.start("tillkeeper", "run", "--config", str(self.config_file), environment=environment)

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://till", timeout=ASK_S)
