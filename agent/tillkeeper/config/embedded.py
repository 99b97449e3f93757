"""The defaults that come with the package: a commented example, a menu, and a register that needs nothing but them."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from msgspec.structs import replace

from tillkeeper.config.load import parse
from tillkeeper.config.model import Config


def example_toml() -> str:
    """A commented configuration that is itself valid."""
    return resources.files("tillkeeper.config").joinpath("example.toml").read_text("utf-8")


def example(folder: Path) -> Config:
    """`example_toml` as it would load from a file in `folder`."""
    return parse(example_toml(), file="example.toml", folder=folder)


PRINTERS = ("escpos", "star")


def embedded_printers() -> dict[str, str]:
    """The virtual printers that `embedded` wants: device id -> profile."""
    devices = example(Path.cwd()).devices
    return {name: device.profile for name, device in devices.items() if device.kind in PRINTERS}


def embedded(
    data_dir: Path, *, ports: Mapping[str, int], listen: str = "", hq_url: str = "", hq_token_file: str = ""
) -> Config:
    """The example as a register on virtual devices.

    Args:
        data_dir: where journal, socket and tokens go.
        ports: TCP port on 127.0.0.1 of each of `embedded_printers`.
        listen: as `api.listen`.
        hq_url: as `hq.url`; with it goes `hq_token_file`.

    Raises:
        KeyError: `ports` misses a printer.
    """
    config = example(data_dir)
    devices = {
        name: replace(device, address=f"127.0.0.1:{ports[name]}") if device.kind in PRINTERS else device
        for name, device in config.devices.items()
    }
    return replace(
        config,
        data_dir=str(data_dir),
        devices=devices,
        api=replace(config.api, listen=listen, socket=str(data_dir / "tillkeeper.sock")),
        hq=replace(config.hq, url=hq_url, token_file=hq_token_file),
        network=replace(config.network, watch=False, socket=str(data_dir / config.network.socket)),
    )
