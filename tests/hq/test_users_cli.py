"""`tillkeeper-hq user`, and HQ with TLS of its own, as processes."""

import os
import pty
import pwd
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.hq.people import Person, add_by_command, password_of
from tests.hq.world import Hq, Log, running
from tests.support.postgres import Server

from tillkeeper.contract.envelope import Author

COMMAND = (sys.executable, "-m", "tillkeeper_hq", "user")
ME = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def user(database: str, tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    where = () if database else ("--data", str(tmp_path / "hq"))

    def run(*arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*COMMAND, *arguments, *where], input=typed, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def test_users_come_change_and_go_while_hq_runs(
    user: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    word = "a word that is long\n"
    assert user("add", "Mia", "--role", "owner", "--password-file", "-", typed=word).returncode == 0
    with running(tmp_path) as hq:
        mia = Person(base=hq.url)
        assert mia.sign_in("mia", word.strip()).status_code == 303
        secret = tmp_path / "password"
        secret.write_text("ben's own words\n")
        options = ("--role", "manager", "--store", "corner", "--store", "harbour", "--password-file", str(secret))
        assert user("add", "ben", *options).returncode == 0
        ben = Person(base=hq.url)
        assert ben.sign_in("ben", "ben's own words").status_code == 303
        assert user("list").stdout.splitlines() == ["ben\tmanager\tcorner harbour", "mia\towner\tall stores"]
        assert user("set-role", "ben", "--role", "viewer").returncode == 0
        assert "viewer" in ben.see("/account")
        assert user("disable", "ben").returncode == 0
        assert ben.ask("/").status_code == 303
        assert user("list").stdout.splitlines()[0] == "ben\tviewer\tall stores\tdisabled"
        for _ in range(5):
            assert Person(base=hq.url).sign_in("ben", "wrong wrong wrong").status_code == 401
        assert user("enable", "ben").returncode == 0
        assert Person(base=hq.url).sign_in("ben", "ben's own words").status_code == 429
        assert user("unlock", "ben").returncode == 0
        assert Person(base=hq.url).sign_in("ben", "ben's own words").status_code == 303
        assert user("set-password", "ben", "--password-file", "-", typed="quite another one").returncode == 0
        assert Person(base=hq.url).sign_in("ben", "quite another one").status_code == 303
        assert user("remove", "ben").returncode == 0
        assert user("list").stdout == "mia\towner\tall stores\n"
        acts = mia.see("/journal")
        for act in (
            "user added ben manager, corner harbour",
            "user changed ben viewer",
            "user disabled ben",
            "user removed ben",
        ):
            assert f"command line ({ME}) {act}" in acts
        assert hq.is_running


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (("add", "mia", "--role", "owner", "--password-file", "-"), "short", "12 to 256"),
        (("add", "mia", "--role", "owner", "--password-file", "-"), "", "12 to 256"),
        (("add", "m<i>a", "--role", "owner", "--password-file", "-"), "a word that is long", "letters"),
        (("add", "mia", "--role", "owner", "--store", "x", "--password-file", "-"), "a word that is long", "sees all"),
        (("add", "mia", "--role", "owner", "--password-file", "/nowhere"), "", "FileNotFoundError"),
        (("add", "mia", "--role", "owner"), "a word that is long", "--password-file"),
        (("remove", "nobody"), "", "no user nobody"),
        (("set-role", "nobody", "--role", "owner"), "", "no user nobody"),
        (("add", "mia", "--role", "king", "--password-file", "-"), "a word that is long", "invalid choice"),
    ],
)
def test_what_can_not_be_done_is_said(arguments: tuple[str, ...], typed: str, words: str, tmp_path: Path) -> None:
    command = [*COMMAND, *arguments, "--data", str(tmp_path)]
    done = subprocess.run(command, input=typed, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "a word that is long" not in done.stderr


def test_the_password_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, "add", "mia", "--role", "owner", "--data", str(tmp_path)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + 60
    try:
        for asked in (b"Password: ", b"Once more: "):
            while not shown.endswith(asked):
                assert time.monotonic() < deadline, shown
                shown += os.read(ours, 1024)
            os.write(ours, b"typed by hand, long\n")
        assert process.wait(60) == 0, shown
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert b"typed by hand" not in shown


def test_hq_serves_https_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TILLKEEPER_HQ_DATABASE", raising=False)
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=hq", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    trust = ssl.create_default_context(cafile=str(certificate))
    with running(tmp_path, "--tls-cert", str(certificate), "--tls-key", str(key)) as hq, httpx.Client(verify=trust) as client:
        assert hq.url.startswith("https://")
        add_by_command(hq, "mia", "owner")
        person = Person(client.request, hq.url)
        assert person.sign_in("mia", password_of("mia")).status_code == 303
        assert set(person.cookies) == {"__Host-hq", "__Host-hq-form"}
        assert "mia" in person.see("/")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("files", [("nothing.pem", "nothing.pem"), ("nonsense.pem", "nonsense.pem"), ("pipe", "nonsense.pem")])
def test_a_certificate_that_can_not_be_used_is_said(tmp_path: Path, files: tuple[str, str]) -> None:
    (tmp_path / "nonsense.pem").write_text("no certificate")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "credentials.toml").write_text("")
    certificate, key = (str(tmp_path / name) for name in files)
    command = [
        sys.executable,
        "-m",
        "tillkeeper_hq",
        "run",
        "--data",
        str(tmp_path),
        "--credentials",
        str(tmp_path / "credentials.toml"),
    ]
    command += ["--tls-cert", certificate, "--tls-key", key]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "--tls-cert" in done.stderr


def test_the_other_process_knows_who_is_signed_in_and_who_is_locked_out(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLKEEPER_HQ_DATABASE", server.fresh())
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with running(tmp_path / "one") as one, running(tmp_path / "other") as other:
        add_by_command(one, "mia", "owner")
        mia = Person(base=one.url)
        assert mia.sign_in("mia").status_code == 303
        there = Person(base=other.url)
        there.cookies.update(mia.cookies)
        assert "mia" in there.see("/")
        assert there.send("/users", name="ben", role="viewer").status_code == 200
        assert "ben" in mia.see("/users")
        processes = (one, other)
        codes = [Person(base=processes[n % 2].url).sign_in("ben", "wrong wrong wrong").status_code for n in range(6)]
        assert codes == [401] * 5 + [429]
        assert [Person(base=hq.url).sign_in("ben", "wrong wrong wrong").status_code for hq in processes] == [429, 429]
        assert there.send("/logout").status_code == 303
        assert mia.ask("/").status_code == 303
        _who_is_behind_is_known_to_both(one, other)


def _who_is_behind_is_known_to_both(one: Hq, other: Hq) -> None:
    """Some seconds later."""
    one.send(msgspec.structs.replace(Log().batch(), author=Author(7, "EUR", 2, "Europe/Berlin")))
    mia = Person(base=other.url)
    assert mia.sign_in("mia").status_code == 303
    deadline = time.monotonic() + 60
    while "till-1 behind 7 events behind" not in mia.see("/"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
