"""`tillkeeper setup --answers FILE`, as a process: what it writes, for whom, and that the same answers change nothing."""

import fcntl
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from tests.setup.world import AGENT, PIN, PROBER, TOKEN, World, worlds
from tests.support.prerequisites import need

from tillkeeper.cli import exits
from tillkeeper.config.load import load
from tillkeeper.people import pins, roster


@pytest.fixture
def world() -> Iterator[World]:
    with worlds() as made:
        yield made


def test_a_fresh_register_gets_its_files(world: World) -> None:
    done = world.unattended()
    assert done.returncode == exits.OK, done.stderr
    config = load(world.config)
    assert (config.this_register, config.store.id, config.store.currency) == ("front", "harbour-grill", "EUR")
    assert config.api.socket == "/run/tillkeeper/tillkeeper.sock"
    assert config.network.socket == "/run/tillkeeper/probe/probe.sock"
    assert Path(config.network.key_file) == world.etc / "beacon.key"
    assert (world.etc / "hq-token").read_text() == f"{TOKEN}\n"
    assert "the menu is an EXAMPLE" in done.stdout
    assert "store create" in done.stdout


def test_the_manager_can_sign_in_with_the_pin(world: World) -> None:
    world.unattended()
    secret = (world.data / "store-secret").read_text().strip()
    people = roster.decode((world.data / "staff.json").read_bytes(), "harbour-grill", "staff.json")
    member = people.whose(pins.digest(PIN, secret, "harbour-grill"))
    assert member is not None
    assert (member.employee, member.name, member.roles) == ("ana", "Ana", ("manager",))


def test_each_file_has_its_owner_and_its_mode(world: World) -> None:
    need()
    world.unattended()
    found = {name: facts[:3] for name, facts in world.files().items() if "tillkeeper" in name}
    assert found == {
        "etc/tillkeeper": (0o755, 0, 0),
        "etc/tillkeeper/tillkeeper.toml": (0o644, 0, 0),
        "etc/tillkeeper/hq-token": (0o640, 0, AGENT),
        "etc/tillkeeper/beacon.key": (0o640, AGENT, PROBER),
        "var/lib/tillkeeper": (0o700, AGENT, AGENT),
        "var/lib/tillkeeper/staff.json": (0o600, AGENT, AGENT),
        "var/lib/tillkeeper/store-secret": (0o600, AGENT, AGENT),
    }


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_a_disk_of_its_own_that_was_just_formatted_becomes_the_agents(world: World, mode: int) -> None:
    need()
    world.data.mkdir(mode=mode, parents=True)
    (world.data / "lost+found").mkdir(mode=0o700)
    done = world.unattended()
    assert done.returncode == exits.OK, done.stderr
    assert world.files()["var/lib/tillkeeper"][:3] == (0o700, AGENT, AGENT)
    assert (world.data / "staff.json").exists()


def test_the_same_answers_twice_are_the_same_files(world: World) -> None:
    world.unattended()
    before = world.files()
    times = {path: path.stat().st_mtime_ns for path in world.etc.iterdir()}
    again = world.unattended()
    assert again.returncode == exits.OK
    assert "There is nothing to change." in again.stdout
    assert world.files() == before
    assert {path: path.stat().st_mtime_ns for path in world.etc.iterdir()} == times


def test_check_changes_nothing_and_says_whether_something_would(world: World) -> None:
    before = world.files()
    done = world.unattended("--check")
    assert done.returncode == exits.REFUSED
    assert "write" in done.stdout
    assert world.files() == before
    world.unattended()
    before = world.files()
    assert world.unattended("--check").returncode == exits.OK
    world.change('letter = "A"', 'letter = "C"')
    assert world.unattended("--check").returncode == exits.REFUSED
    world.change('letter = "C"', 'letter = "T"')
    assert world.unattended("--check").returncode == exits.USAGE
    assert world.files() == before


def test_what_was_there_is_kept_under_its_date_with_all_that_it_names(world: World) -> None:
    world.unattended()
    before = world.config.read_bytes()
    (world.folder / "token").write_text("tok-2718281828459045\n")
    world.change('name = "Harbour Grill"', 'name = "Harbour Bar"')
    assert world.unattended().returncode == exits.OK
    (copy,) = [path for path in world.etc.iterdir() if path.name.startswith("tillkeeper.toml.")]
    assert copy.read_bytes() == before
    assert Path(load(copy).hq.token_file).read_text() == f"{TOKEN}\n"
    now = load(world.config)
    assert now.store.name == "Harbour Bar"
    assert now.store.id == "harbour-grill"  # what the journal goes by stays
    assert Path(now.hq.token_file).read_text() == "tok-2718281828459045\n"


def test_lines_and_comments_of_people_stay(world: World) -> None:
    world.unattended()
    text = world.config.read_text().replace("[hq]\n", "# ours: ask Mia\n[hq]\nbeat_s = 2   # slow line\n")
    world.config.write_text(text + "\n[privacy]\nkeep_days = 30\n")
    world.change('letter = "A"', 'letter = "C"')
    assert world.unattended().returncode == exits.OK
    now = world.config.read_text()
    assert "# ours: ask Mia\n[hq]\nbeat_s = 2   # slow line\n" in now
    config = load(world.config)
    assert (config.registers["front"].letter, config.hq.beat_s, config.privacy.keep_days) == ("C", 2, 30)


def test_a_menu_of_ones_own_is_copied_in_and_needs_its_rates(world: World) -> None:
    menu = world.folder / "own.toml"
    menu.write_text('[[categories]]\nid = "food"\nname = "Food"\n[[items]]\nid = "soup"\nname = "Soup"\nprice_minor = 500\n'
                    'category = "food"\ntax = "wine"\n')  # fmt: skip
    world.change('file = "example"', 'file = "own.toml"')
    refused = world.unattended()
    assert refused.returncode == exits.USAGE
    assert "taxes.categories.wine: 'percent' is missing" in refused.stderr
    assert not world.config.exists()
    world.change("[taxes.categories.grocery]", '[taxes.categories.wine]\npercent = "21"\n[taxes.categories.grocery]')
    assert world.unattended().returncode == exits.OK
    assert (world.etc / "menu.toml").read_bytes() == menu.read_bytes()
    assert "EXAMPLE" not in world.config.read_text()
    menu.write_text(menu.read_text().replace("500", "550"))
    assert world.unattended().returncode == exits.OK
    assert "550" in Path(load(world.config).catalogue.file).read_text()


def test_an_hq_with_an_authority_of_its_own(world: World) -> None:
    own = world.folder / "ca.pem"
    world.change("[hq]", f'[hq]\nca_file = "{own}"')
    done = world.unattended()
    assert done.returncode == exits.USAGE
    assert "there is no such file (hq.ca_file)" in done.stderr
    own.write_text("none\n")
    assert world.unattended().returncode == exits.USAGE
    assert not world.config.exists()
    content = Path(certifi.where()).read_text("utf-8").partition("-----END")[0] + "-----END CERTIFICATE-----\n"
    own.write_text(content)
    assert world.unattended().returncode == exits.OK
    assert tomllib.loads(world.config.read_text())["hq"]["ca_file"] == "hq-ca.pem"
    assert (world.etc / "hq-ca.pem").read_text() == content
    before = world.files()
    assert world.unattended().returncode == exits.OK
    assert world.files() == before
    printed = subprocess.run(world.command("--print-answers"), capture_output=True, text=True, check=True).stdout
    assert f'ca_file = "{world.etc / "hq-ca.pem"}"' in printed


def test_an_export_of_orders_becomes_a_menu(world: World) -> None:
    head = "order_id\tquantity\titem_name\tchoice_description\titem_price\n"
    (world.folder / "orders.tsv").write_text(head + "1\t2\tSoup\tNULL\t$9.00\n")
    world.change('file = "example"', 'file = "orders.tsv"')
    assert world.unattended().returncode == exits.OK
    assert "Soup" in (world.etc / "menu.toml").read_text()


def test_what_the_loader_refuses_is_said_in_its_words_and_not_written(world: World) -> None:
    world.change('letter = "B"', 'letter = "A"')
    world.change('devices = ["receipt"]', 'devices = ["recept"]')
    done = world.unattended()
    assert done.returncode == exits.USAGE
    assert "letter 'A' belongs to register 'front' already" in done.stderr
    assert "no device 'recept' (did you mean 'receipt'?)" in done.stderr
    assert 'devices = ["recept"]' in done.stderr  # the line that would have been written
    assert not world.config.exists()


@pytest.mark.parametrize("secret", ["token", "pin"])
def test_a_secret_that_can_not_be_is_refused_and_not_shown(world: World, secret: str) -> None:
    (world.folder / secret).write_text("123456\n")
    done = world.unattended()
    assert done.returncode == exits.USAGE
    assert "123456" not in done.stdout + done.stderr
    assert not world.etc.exists()


def test_secrets_are_in_their_own_files_and_nowhere_else(world: World) -> None:
    said = world.unattended()
    again = world.unattended("--check")
    cloned = subprocess.run(world.command("--print-answers"), capture_output=True, text=True, check=False)
    beacon = (world.etc / "beacon.key").read_text().strip()
    kept = (world.data / "store-secret").read_text().strip()
    output = "".join(one.stdout + one.stderr for one in (said, again, cloned))
    own = {TOKEN: "etc/tillkeeper/hq-token", beacon: "etc/tillkeeper/beacon.key", kept: "var/lib/tillkeeper/store-secret"}
    for secret in (TOKEN, PIN, beacon, kept):
        assert secret not in output
        holders = [name for name, facts in world.files().items() if secret.encode() in facts[3]]
        assert holders == ([own[secret]] if secret in own else [])


def test_a_clone_sets_the_next_register_up(world: World) -> None:
    world.unattended()
    cloned = subprocess.run(world.command("--print-answers"), capture_output=True, text=True, check=False)
    assert cloned.returncode == exits.OK
    with worlds() as other:
        _set_up_from(cloned.stdout, world, other)


def _set_up_from(answers: str, world: World, other: World) -> None:
    text = answers.replace('register = "front"   #', 'register = "bar"   #')
    assert text != answers
    other.answers.write_text(text.replace('# token_file = "/root/hq-token"', f'token_file = "{other.folder}/token" #'))
    done = other.unattended()
    assert done.returncode == exits.OK, done.stderr
    assert load(other.config).this_register == "bar"
    assert load(other.config).devices == load(world.config).devices
    assert not (other.etc / "beacon.key").exists()  # joining brings it
    assert "store code bar" in done.stdout


def test_a_register_with_books_keeps_its_name(world: World) -> None:
    world.unattended()
    (world.data / "journal.db").write_bytes(b"")
    world.change('register = "front"', 'register = "bar"')
    done = world.unattended()
    assert done.returncode == exits.REFUSED
    assert "its journal is that of register 'front'" in done.stderr


def test_a_configuration_that_is_broken_is_not_touched(world: World) -> None:
    world.unattended()
    world.config.write_text(world.config.read_text().replace('letter = "A"', 'letter = "AA"'))
    before = world.files()
    done = world.unattended()
    assert done.returncode == exits.USAGE
    assert "put it right by hand" in done.stderr
    assert "registers.front.letter" in done.stderr
    assert world.files() == before


def test_rights_that_were_opened_are_closed_again(world: World) -> None:
    world.unattended()
    (world.etc / "hq-token").chmod(0o644)
    (world.folder / "token").write_text("tok-1111222233334444\n")
    assert world.unattended().returncode == exits.OK
    token = Path(load(world.config).hq.token_file)
    assert token.stat().st_mode & 0o777 == 0o640


def test_two_at_once_do_not_mix(world: World) -> None:
    world.unattended()
    world.change('letter = "A"', 'letter = "C"')
    handle = os.open(world.etc, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        done = world.unattended()
    finally:
        os.close(handle)
    assert done.returncode == exits.REFUSED
    assert "another `tillkeeper setup` is at work" in done.stderr
    assert load(world.config).registers["front"].letter == "A"


def test_an_image_without_the_packages_users_says_so(world: World) -> None:
    need()
    (world.root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    done = world.unattended()
    assert done.returncode == exits.USAGE
    assert "there is no user 'tillkeeper'" in done.stderr


def test_an_image_does_not_join(world: World) -> None:
    world.answers.write_text(world.answers.read_text() + '\n[join]\ncode_file = "/root/code"\n')
    done = world.unattended()
    assert done.returncode == exits.USAGE
    assert "joins where it runs" in done.stderr


def test_credentials_are_read_where_the_unit_got_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    handed = world.folder / "handed"
    handed.mkdir()
    shutil.copy(world.folder / "token", handed / "hq-token")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    world.change(f'"{world.folder}/token"', '"credential:hq-token"')
    assert world.unattended().returncode == exits.OK
    assert (world.etc / "hq-token").read_text() == f"{TOKEN}\n"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    done = world.unattended()
    assert done.returncode == exits.USAGE
    assert "LoadCredential=hq-token" in done.stderr


def test_options_that_do_not_go_together(world: World) -> None:
    done = subprocess.run(world.command("--check"), input="", capture_output=True, text=True, check=False)
    assert done.returncode == exits.USAGE
    done = subprocess.run(world.command("--print-answers"), input="", capture_output=True, text=True, check=False)
    assert done.returncode == exits.USAGE
    assert "there is no configuration yet" in done.stderr
