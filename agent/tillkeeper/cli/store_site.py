"""Where a register's keys belong, as its configuration says. Read without checking the rest: on a blank machine files that the
configuration names are not there yet, and joining brings some of them."""

import tomllib
from pathlib import Path

import msgspec

from tillkeeper.config import secret_rules
from tillkeeper.contract.base import Id
from tillkeeper.errors import ConfigInvalid
from tillkeeper.plain_file import open_plain
from tillkeeper.trust.acts import Site
from tillkeeper.trust.codes import DEFAULT_PORT

MAX_BYTES = 1_000_000


class _Store(msgspec.Struct, frozen=True):
    id: Id


class _Network(msgspec.Struct, frozen=True):
    key_file: str = ""


class _Staff(msgspec.Struct, frozen=True):
    file: str = ""


class _Register(msgspec.Struct, frozen=True):
    address: str = ""


class _Replication(msgspec.Struct, frozen=True):
    port: int = DEFAULT_PORT


class _File(msgspec.Struct, frozen=True):
    this_register: Id
    store: _Store
    registers: dict[str, _Register] = {}
    data_dir: str = "data"
    network: _Network = _Network()
    staff: _Staff = _Staff()
    replication: _Replication = _Replication()


class Found(msgspec.Struct, frozen=True):
    """`others`: addresses of the store's other registers, as far as they are configured; `port` where they name none."""

    site: Site
    others: tuple[str, ...]
    port: int


def find(path: Path) -> Found:
    """Raises `ConfigInvalid`."""
    try:
        with open_plain(path) as file:
            raw = file.read(MAX_BYTES)
        read = msgspec.convert(tomllib.loads(raw.decode("utf-8").replace("\r\n", "\n")), _File)
    except OSError as error:
        raise ConfigInvalid("read config", str(path), error.strerror or str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, msgspec.ValidationError) as error:
        raise ConfigInvalid("read config", str(path), str(error), "`tillkeeper config check` says more") from error
    folder = path.resolve().parent
    key_file = secret_rules.place(folder, read.network.key_file) if read.network.key_file else None
    site = Site(
        store=read.store.id,
        register=read.this_register,
        data_dir=folder / Path(read.data_dir).expanduser(),
        key_file=key_file,
        staff=folder / Path(read.staff.file).expanduser() if read.staff.file else None,
    )
    others = [one.address for name, one in read.registers.items() if name != read.this_register and one.address]
    return Found(site, tuple(others), read.replication.port)
