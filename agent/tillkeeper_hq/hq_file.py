"""The settings of an HQ that systemd runs, as a TOML file. What is given on the command line goes before it."""

import tomllib
from pathlib import Path

import msgspec

from tillkeeper_systemd import credentials


class HqFileInvalid(Exception):
    """It can not be read, or says something that is no setting."""


class HqFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Paths are relative to the file's folder; "credential:NAME" is a file that systemd hands over. `data` or `database_file`,
    `tls_cert` with `tls_key`: as the options of the same names."""

    listen: str = ""
    data: str = ""
    database_file: str = ""
    credentials: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    behind_tls: bool = False
    first_number: int | None = None


def read(path: Path) -> HqFile:
    """With every path in it absolute. Raises HqFileInvalid."""
    try:
        file = msgspec.toml.decode(path.read_bytes(), type=HqFile)
    except OSError as error:
        raise HqFileInvalid(f"{path}: {error.strerror}") from error
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HqFileInvalid(f"{path}: {error}") from error
    if file.data and file.database_file:
        raise HqFileInvalid(f"{path}: either data or database_file")
    if bool(file.tls_cert) != bool(file.tls_key):
        raise HqFileInvalid(f"{path}: tls_cert and tls_key go together")
    folder = path.resolve().parent
    names = ("data", "database_file", "credentials", "tls_cert", "tls_key")
    return msgspec.structs.replace(file, **{name: _located(path, folder, name, getattr(file, name)) for name in names})


def _located(path: Path, folder: Path, name: str, said: str) -> str:
    if not said:
        return ""
    if not credentials.is_credential(said):
        return str(folder / Path(said).expanduser())
    if why := credentials.problem(said):
        raise HqFileInvalid(f"{path}: {name}: {why}")
    # Another command of the same file (`user add`) sees no credentials, and needs none but a database's.
    return credentials.located(said)
