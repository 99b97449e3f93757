"""PostgreSQL from Debian's package, in a folder of its own, as a user without rights, on a socket only."""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

START_S = 60.0
USER = "postgres"


def programs() -> Path | None:
    """Where initdb and postgres are; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].partition(".")[0]))
    if found:
        return found[-1].parent
    tool = shutil.which("initdb")
    return Path(tool).resolve().parent if tool else None


def need() -> Path:
    """Fails in CI where it is missing, skips elsewhere, both with the reason."""
    found = programs()
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs postgresql (requirements/apt.txt)")
    return found


class Server:
    """`process`: the postmaster's. `url` names a database of it; there is no password."""

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes]", as_user: dict[str, Any]) -> None:
        self.folder, self.process, self._as_user = folder, process, as_user
        self._names = itertools.count(1)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def fresh(self) -> str:
        """The URL of an empty database."""
        name = f"hq{next(self._names)}"
        self.ask(f"CREATE DATABASE {name}")
        return self.url(name)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: every session is ended; SIGQUIT: as in a crash, the next start repairs."""
        self.process.send_signal(how)
        self.process.wait(START_S)

    def start(self) -> None:
        """Again, after `stop`; returns when it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.process.args, cwd=self.folder, stdout=log, stderr=log, **self._as_user)
        _wait_until_it_answers(self)

    def ask(self, sql: str, url: str = "") -> list[tuple[Any, ...]]:
        with psycopg.connect(url or self.url(), autocommit=True) as db:
            done = db.execute(sql.encode())
            return done.fetchall() if done.description else []

    @contextlib.contextmanager
    def closed(self, url: str) -> Iterator[None]:
        """The database of this URL turns everybody away."""
        name = urlsplit(url).path[1:]
        self.ask(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        try:
            yield
        finally:
            self.ask(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def limit_files(self, application: str, url: str, size: str) -> None:
        """No file may grow beyond `size` (bytes, or `unlimited`) for the connections of that name, as if the disk were full."""
        for (pid,) in self.ask(f"SELECT pid FROM pg_stat_activity WHERE application_name = '{application}'", url):
            command = ["prlimit", "--pid", str(pid), f"--fsize={size}:unlimited"]
            subprocess.run(command, check=True, cwd="/", **self._as_user)


@contextlib.contextmanager
def running(*options: str) -> Iterator[Server]:
    """`options`: settings as `name=value`. Sockets have short names, so the folder is not pytest's."""
    tools = need()
    as_user: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="hqpg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = _unprivileged()
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        made = subprocess.run(
            [tools / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "--wal-segsize=1"],
            cwd=folder, capture_output=True, text=True, check=False, **as_user,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        settings = [f"unix_socket_directories={folder}", "listen_addresses=", "max_wal_size=256MB", *options]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [tools / "postgres", "-D", data, *(part for one in settings for part in ("-c", one))],
                cwd=folder, stdout=log, stderr=log, **as_user,
            )  # fmt: skip
        server = Server(folder, process, as_user)
        try:
            _wait_until_it_answers(server)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        return pwd.getpwnam("nobody")


def _wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            server.ask("SELECT 1")
        except psycopg.OperationalError:
            assert server.process.poll() is None, (server.folder / "log").read_text()
            assert time.monotonic() < deadline, (server.folder / "log").read_text()
            time.sleep(0.05)
        else:
            return
