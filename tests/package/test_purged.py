"""What a purge deletes, and what it keeps: the maintainer scripts in a throw-away Debian."""

import gzip
import sqlite3
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from systemd.package.debs import ready_debs
from systemd.package.maintainer import scripts
from systemd.package.model import PACKAGES
from tests.boot.image import run
from tests.package.machine import Chroot, chroot
from tests.support.prerequisites import need
from tests.support.toml import dumps

from tillkeeper.config.embedded import example_toml

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

DATA = "/var/lib/tillkeeper"
ELSEWHERE = "/srv/books"
FORMAT = Path(__file__).parents[1] / "journal/formats/journal-2.db.gz"


@pytest.fixture(scope="module")
def deb() -> Path:
    need("mmdebstrap", "dpkg-deb")
    return ready_debs(("tillkeeper",))["tillkeeper"]


@pytest.fixture(scope="module")
def machine(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chroot]:
    with chroot(tmp_path_factory.mktemp("debian")) as made:
        yield made


@pytest.fixture
def data(machine: Chroot) -> Path:
    folder = machine.path(DATA)
    folder.mkdir(mode=0o700)
    return folder


def asides(machine: Chroot) -> set[Path]:
    folder = machine.path("/var/backups/tillkeeper")
    return set(folder.iterdir()) if folder.exists() else set()


def purged(machine: Chroot) -> tuple[subprocess.CompletedProcess[str], list[Path]]:
    """By the script alone, as after a removal; what was set aside."""
    before = asides(machine)
    machine.path("/var/tmp/postrm").write_text(scripts(PACKAGES["tillkeeper"], "0.1.0")["postrm"])
    done = machine.call("sh", "/var/tmp/postrm", "purge")
    assert done.returncode == 0, done.stderr
    return done, list(asides(machine) - before)


def test_what_hq_holds_is_deleted(machine: Chroot, deb: Path) -> None:
    assert machine.install(deb).returncode == 0
    data = machine.path(DATA)
    data.mkdir(mode=0o700)
    journal = data / "journal.db"
    journal.write_bytes(gzip.decompress(FORMAT.read_bytes()))
    database = sqlite3.connect(journal)
    heads = database.execute(
        "SELECT incarnation, (SELECT max(seq) FROM events e WHERE e.log_no = l.log_no) FROM logs l"
    ).fetchall()
    for incarnation, head in heads:
        database.execute("INSERT INTO settings VALUES (?, ?)", (f"hq.cursor.{incarnation}", f'{{"acked":{head}}}'.encode()))
    database.commit()
    database.close()
    machine.run("chown", "-R", "tillkeeper:tillkeeper", DATA)
    before = asides(machine)
    done = machine.dpkg("--purge", "tillkeeper")
    assert done.returncode == 0, done.stderr
    assert f"deleted {DATA}" in done.stdout
    assert not data.exists()
    assert not machine.path(f"{DATA}.left").exists()
    assert asides(machine) == before


def test_what_is_held_for_another_register_is_kept_also_without_a_journal(machine: Chroot, data: Path) -> None:
    """It may be the only copy of what a dead register sold; the journal beside it was moved away by somebody."""
    (data / "held.db").write_bytes(b"logs of others")
    _, (aside,) = purged(machine)
    assert (aside / "var/lib/tillkeeper/held.db").read_bytes() == b"logs of others"
    assert not data.exists()


@pytest.mark.parametrize("left", ["0", "7"])
def test_a_disk_of_its_own_is_emptied_and_what_reached_nobody_is_kept(machine: Chroot, data: Path, left: str) -> None:
    """The books' folder is a mount point, which nobody can remove."""
    run("mount", "-t", "tmpfs", "tmpfs", str(data))
    try:
        (data / "journal.db").write_bytes(b"books")
        (data / "journal.db").chmod(0o600)
        (data / "trust").mkdir(mode=0o700)
        machine.path(f"{DATA}.left").write_text(f"{left} {DATA}\n")
        machine.path("/etc/tillkeeper").mkdir()
        _, found = purged(machine)
        assert list(data.iterdir()) == []
    finally:
        run("umount", str(data))
        data.rmdir()
    assert not machine.path("/etc/tillkeeper").exists()
    kept = [aside / "var/lib/tillkeeper" for aside in found]
    assert [(one / "journal.db").read_bytes() for one in kept] == [b"books"] * (left != "0")
    assert [stat.S_IMODE((one / "journal.db").stat().st_mode) for one in kept] == [0o600] * (left != "0")


@pytest.mark.parametrize("left", ["0", "7"])
def test_what_a_link_leads_to_stays_and_that_is_said(machine: Chroot, left: str) -> None:
    """Whoever made the link may keep more there. It is set aside itself, so that moving it back is enough."""
    link, books = machine.path(DATA), machine.path("/srv/linked/journal.db")
    books.parent.mkdir(exist_ok=True)
    books.write_bytes(b"books")
    link.symlink_to("/srv/linked")
    machine.path(f"{DATA}.left").write_text(f"{left} {DATA}\n")
    done, found = purged(machine)
    assert f"tillkeeper: {DATA} is a link: what is in /srv/linked stays there" in done.stderr
    assert books.read_bytes() == b"books"
    assert not link.is_symlink()
    assert [str((aside / "var/lib/tillkeeper").readlink()) for aside in found] == ["/srv/linked"] * (left != "0")


@pytest.mark.parametrize("left", [f"0 {ELSEWHERE}", f"7 {ELSEWHERE}", f"unknown {ELSEWHERE}", "unknown"])
def test_the_token_that_books_elsewhere_need_is_kept(machine: Chroot, left: str) -> None:
    """They stay where the configuration put them, or nobody knows where that was. HQ's token is beside the configuration."""
    books, token = machine.path(f"{ELSEWHERE}/journal.db"), machine.path("/etc/tillkeeper/hq-token")
    for file, content in ((books, b"books"), (token, b"secret")):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    machine.path(f"{DATA}.left").write_text(f"{left}\n")
    done, found = purged(machine)
    assert books.read_bytes() == b"books"
    assert not token.exists()
    assert (f"the books in {ELSEWHERE} stay there" in done.stderr) is (left in (f"7 {ELSEWHERE}", f"unknown {ELSEWHERE}"))
    kept = [(aside / "etc/tillkeeper/hq-token").read_bytes() for aside in found]
    assert kept == [b"secret"] * (left != f"0 {ELSEWHERE}")


def test_books_in_both_places_are_kept_whatever_was_counted(machine: Chroot, data: Path) -> None:
    """The configuration led elsewhere since a while: what lies here was not counted."""
    (data / "journal.db").write_bytes(b"older books")
    machine.path(f"{DATA}.left").write_text(f"0 {ELSEWHERE}\n")
    _, (aside,) = purged(machine)
    assert (aside / "var/lib/tillkeeper/journal.db").read_bytes() == b"older books"


def test_a_removal_counts_where_the_configuration_put_the_books(machine: Chroot, deb: Path) -> None:
    """And says so where it can not tell: a disk that is not mounted, a configuration with a typo."""
    config, left, books = (machine.path(one) for one in ("/etc/tillkeeper/tillkeeper.toml", f"{DATA}.left", ELSEWHERE))
    right = dumps(tomllib.loads(example_toml()) | {"data_dir": ELSEWHERE})
    books.mkdir(exist_ok=True)
    (books / "journal.db").write_bytes(gzip.decompress(FORMAT.read_bytes()))
    assert machine.install(deb).returncode == 0
    machine.run("chown", "-R", "tillkeeper:tillkeeper", ELSEWHERE)
    # For three turns the program stays.
    stays = scripts(PACKAGES["tillkeeper"], "0.1.0")["prerm"].replace('rm -rf "$home', ': "$home')
    machine.path("/var/tmp/prerm").write_text(stays)
    told = []
    for text, is_mounted in ((right, True), (right, False), ("no configuration", True)):
        config.write_text(text)
        books.rename(place := machine.path(ELSEWHERE if is_mounted else "/srv/away"))
        books = place
        machine.run("sh", "/var/tmp/prerm", "remove")
        told.append(left.read_text().strip())
    count, _, where = told[0].partition(" ")
    assert int(count) > 0
    assert where == ELSEWHERE
    assert told[1:] == [f"unknown {ELSEWHERE}", "unknown"]
    assert machine.dpkg("--purge", "tillkeeper").returncode == 0
