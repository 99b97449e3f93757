"""Where the files of a register are, and whose: on this machine, or below the root of an image."""

import grp
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tillkeeper.config.files import CONFIG
from tillkeeper.errors import ConfigInvalid, Refused, StorageRefused, TillkeeperError
from tillkeeper.setup.tables import DATA

AGENT, PROBER = "tillkeeper", "tillkeeper-probe"
BEACON_KEY, TOKEN, MENU, HQ_CA = "beacon.key", "hq-token", "menu.toml", "hq-ca.pem"
_MAX_ANSWER = 1_000_000


@dataclass(frozen=True)
class Site:
    """`agent` and `prober`: (user, group) ids; None where this is not root, and files are its own user's."""

    root: Path
    agent: tuple[int, int] | None
    prober: tuple[int, int] | None

    @property
    def is_image(self) -> bool:
        return self.root != Path("/")

    @property
    def config(self) -> Path:
        return self.below(CONFIG)

    @property
    def folder(self) -> Path:
        return self.config.parent

    @property
    def data(self) -> Path:
        return self.below(DATA)

    def below(self, path: str) -> Path:
        """`path`, which is as the register will have it, where it is now."""
        return self.root / path.lstrip("/")

    def placed(self, path: str) -> Path:
        """A path of the loaded configuration: one that was relative is below the root already."""
        return Path(path) if Path(path).is_relative_to(self.folder) else self.below(path)


def find(root: Path) -> Site:
    """Raises: Refused (not root and no image), ConfigInvalid (the package's users are not there)."""
    root = root.resolve()
    if os.geteuid() != 0:
        if root == Path("/"):
            hint = "sudo tillkeeper setup; with --root DIR it writes below a folder of yours"
            raise Refused("not_root", "set up", "this register", "only root may write its configuration", hint)
        return Site(root, None, None)
    return Site(root, _ids(root, AGENT), _ids(root, PROBER))


def _ids(root: Path, name: str) -> tuple[int, int]:
    """Of the image where it is one: its users need not be this machine's."""
    try:
        if root == Path("/"):
            user = pwd.getpwnam(name)
            return user.pw_uid, grp.getgrnam(name).gr_gid
        users = _entries(root / "etc/passwd")
        groups = _entries(root / "etc/group")
        return int(users[name][2]), int(groups[name][2])
    except (KeyError, IndexError, ValueError, OSError):
        hint = "install the package first (or run systemd-sysusers, with --root for an image)"
        raise ConfigInvalid("set up", str(root), f"there is no user {name!r}", hint) from None


def _entries(file: Path) -> dict[str, list[str]]:
    rows = [line.split(":") for line in file.read_text("utf-8", "replace").splitlines()]
    return {row[0]: row for row in rows}


def as_agent(site: Site, act: Callable[[], object]) -> object:
    """What `act` answers (JSON types), done by the agent's user in a process of its own: what belongs to that user is never
    touched with root's rights, for it may have put a link there.

    Raises:
        TillkeeperError: as `act` does.
    """
    if site.agent is None:
        return act()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _child(site.agent, act, theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as answer:
        raw = answer.read(_MAX_ANSWER)
    os.waitpid(child, 0)
    if not raw:
        raise StorageRefused("set up", "the agent's files", "the process that writes them ended")
    told = msgspec.json.decode(raw)
    if "error" in told:
        raise _Told(told["code"], *told["error"])
    return told["answer"]


class _Told(TillkeeperError):
    """An error of the other process; `code` says which."""

    status = 422

    def __init__(self, code: str, operation: str, subject: str, cause: str, hint: str) -> None:
        super().__init__(operation, subject, cause, hint)
        self.code = code


def _child(ids: tuple[int, int], act: Callable[[], object], to: int) -> None:
    """Never returns."""
    try:
        os.setgroups([])
        os.setgid(ids[1])
        os.setuid(ids[0])
        os.umask(0o077)
        told: dict[str, object] = {"answer": act()}
    except TillkeeperError as error:
        told = {"code": error.code, "error": [error.operation, error.subject, error.cause, error.hint]}
    except OSError as error:
        told = {
            "code": "storage_refused",
            "error": ["write", str(error.filename or "a file"), error.strerror or str(error), ""],
        }
    except BaseException as error:  # noqa: BLE001 - told to the parent, which raises it
        told = {"code": "internal", "error": ["set up", "the agent's files", f"{type(error).__name__}: {error}", ""]}
    try:
        with os.fdopen(to, "wb") as answer:
            answer.write(msgspec.json.encode(told))
    finally:
        os._exit(0)
