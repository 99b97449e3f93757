"""Setup on a machine where systemd runs: the register is started, asked, and says what works. In a mount namespace of its own
stands in for systemd a program that notes what it was told and starts the real agent; tests/boot has the real one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.setup.world import World, worlds
from tests.support.ports import free_port
from tests.support.prerequisites import need

from tillkeeper.cli import exits

SYSTEMCTL = """#!/bin/sh
case "$*" in is-active*) ;; *) echo "$*" >> {folder}/told ;; esac
test ! -e {folder}/fails || {{ echo "Job for tillkeeper.service failed." >&2; exit 1; }}
runs() {{
    test -e {folder}/pid && kill -0 $(cat {folder}/pid) 2>/dev/null
}}
agent() {{
    exec >> {folder}/agent.log 2>&1 < /dev/null
    export NOTIFY_SOCKET={folder}/nobody
    while :; do
        {python} -m tillkeeper run --config /etc/tillkeeper/tillkeeper.toml &
        echo $! > {folder}/pid
        wait $!
    done
}}
start() {{
    runs && return
    test ! -e {folder}/supervised || {{ agent & return; }}
    {python} -m tillkeeper run --config /etc/tillkeeper/tillkeeper.toml >> {folder}/agent.log 2>&1 < /dev/null &
    echo $! > {folder}/pid
}}
case "$*" in
    is-active*) runs; exit ;;
    restart*tillkeeper.service*)
        test -e {folder}/pid && kill $(cat {folder}/pid) && while kill -0 $(cat {folder}/pid) 2>/dev/null; do sleep 0.05; done
        start ;;
    start*) start ;;
esac
exit 0
"""
INSIDE = """
set -e
ip link set lo up 2>/dev/null || true
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/tillkeeper/probe
cp -a /etc {folder}/etc && cat {root}/etc/passwd >> {folder}/etc/passwd && cat {root}/etc/group >> {folder}/etc/group
mkdir -p {folder}/etc/systemd/system && mount --bind {folder}/etc /etc
touch /etc/systemd/system/tillkeeper.socket /etc/systemd/system/tillkeeper.service /etc/systemd/system/tillkeeper-probe.service
mount -t tmpfs tmpfs /var/lib
export PATH={folder}/bin:$PATH
while read -r line; do
    set +e
    eval "$line" > {folder}/out 2>&1 < /dev/null
    echo $?
done
test ! -e {folder}/pid || kill $(cat {folder}/pid)
"""


@contextmanager
def machine(world: World, *own: str) -> Iterator[Callable[[str], tuple[int, str]]]:
    """Runs a line of shell where the register is the whole machine: (exit code, what it said). `own`: further namespaces."""
    folder = world.folder
    (folder / "bin").mkdir()
    (folder / "bin/systemctl").write_text(SYSTEMCTL.format(folder=folder, python=sys.executable))
    (folder / "bin/systemctl").chmod(0o755)
    script = INSIDE.format(folder=folder, root=world.root)
    with subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", *own, "--kill-child", "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        to, back = shell.stdin, shell.stdout

        def run(line: str) -> tuple[int, str]:
            to.write(line + "\n")
            to.flush()
            return int(back.readline()), (folder / "out").read_text()

        yield run
        to.close()
        shell.wait(timeout=30)


@pytest.fixture
def world() -> Iterator[World]:
    need("unshare", "mount")
    with worlds() as made:
        port = free_port()
        made.change("192.168.1.40:9100", f"127.0.0.1:{port}")
        made.change("[hq]", f"[pages]\nport = {free_port()}\n[hq]")
        made.change('url = "https://hq.example:8443"\n', "")
        made.change(f'token_file = "{made.folder}/token"\n', "")
        made.change('[registers.bar]\nletter = "B"\naddress = "192.168.1.12"\n', "")
        printer = [
            sys.executable,
            "-m",
            "tillkeeper",
            "simulate",
            "printer",
            "--port",
            str(port),
            "--out",
            str(made.folder / "paper"),
        ]
        with subprocess.Popen([*printer, "--speed", "0", "--quiet"], stdout=subprocess.DEVNULL) as process:
            yield made
            process.terminate()


def test_it_starts_the_register_and_says_what_works(world: World) -> None:
    setup = f"{sys.executable} -m tillkeeper setup --answers {world.answers}"
    told = world.folder / "told"
    with machine(world) as run:
        code, said = run(f"{setup} --test-slip")
        assert code == exits.OK, said + (world.folder / "agent.log").read_text()
        assert "register front of harbour-grill sells" in said
        assert "receipt answers" in said
        assert "a test slip for receipt is on its way" in said
        assert "sudo tillkeeper pages" in said
        units = "tillkeeper.socket tillkeeper.service tillkeeper-probe.service"
        assert told.read_text().splitlines() == [
            f"enable --quiet {units}", "restart tillkeeper.service tillkeeper-probe.service", f"start {units}",
        ]  # fmt: skip
        assert run("stat -c %a:%u /var/lib/tillkeeper /var/lib/tillkeeper/staff.json") == (0, "700:64990\n600:64990\n")
        token = run("cat /var/lib/tillkeeper/page-token")[1].strip()
        assert token
        assert token not in said
        code, links = run(f"(cd / && {sys.executable} -m tillkeeper pages)")
        assert code == exits.OK, links
        assert f"/register/?terminal=front#token={token}" in links

        told.unlink()
        code, said = run(setup)
        assert code == exits.OK
        assert "There is nothing to change." in said
        assert "restart" not in told.read_text()

        # As after a setup that was ended between the writing and the restart.
        told.unlink()
        run("touch /etc/tillkeeper/tillkeeper.toml")
        code, said = run(setup)
        assert code == exits.OK
        assert "There is nothing to change." in said
        assert "restart tillkeeper.service" in told.read_text()

        told.unlink()
        world.change('letter = "A"', 'letter = "C"')
        code, said = run(setup)
        assert code == exits.OK
        assert "restart tillkeeper.service" in told.read_text()
        assert '"C"' in run(f"{sys.executable} -m tillkeeper config show /etc/tillkeeper/tillkeeper.toml")[1]

        (world.folder / "fails").touch()
        world.change('letter = "C"', 'letter = "D"')
        code, said = run(setup)
        assert code == exits.PARTLY
        assert "Job for tillkeeper.service failed." in said
        assert "journalctl -u tillkeeper" in said
    assert os.listdir(world.folder / "paper")


@pytest.mark.timeout(180)
def test_a_register_that_sells_is_started_again_between_two_sales(world: World) -> None:
    setup = f"{sys.executable} -m tillkeeper setup --answers {world.answers}"
    asked = "from tillkeeper.setup.starting import between_sales; print(between_sales('{}', 'ana', 0.5))"
    (world.folder / "supervised").touch()
    with machine(world) as run:
        code, said = run(setup)
        assert code == exits.OK, said + (world.folder / "agent.log").read_text()
        assert "waiting for receipt" in said or "receipt answers" in said
        told = world.folder / "told"
        told.unlink()
        said = run(f'{sys.executable} -c "{asked.format("/run/tillkeeper/tillkeeper.sock")}"')[1]
        assert "waiting for a moment between two sales to start the agent again" in said
        assert "something was entered" in said  # so it sells on as it was
        world.change('letter = "A"', 'letter = "C"')
        code, said = run(setup)
        assert code == exits.OK, said
        assert "start the agent again between two sales" in said
        assert "restart tillkeeper.service" not in told.read_text()
        assert "restart tillkeeper-probe.service" in told.read_text()
        assert "register front of harbour-grill sells" in said
        starts = (world.folder / "agent.log").read_text().count("ends between two sales")
        assert starts == 1


@pytest.fixture
def store() -> Iterator[tuple[World, World]]:
    """The first register of a store, and another one."""
    need("unshare", "mount", "ip")
    with worlds() as front, worlds() as bar:
        for made in (front, bar):
            made.change('address = "192.168.1.11"', 'address = "127.0.0.1:7470"')
            made.change('address = "192.168.1.12"', 'address = "127.0.0.1:7468"')
            made.change('url = "https://hq.example:8443"\n', "")
            made.change(f'token_file = "{made.folder}/token"\n', "")
        bar.change('register = "front"', 'register = "bar"')
        bar.change(f'manager = "ana"\nname = "Ana"\npin_file = "{bar.folder}/pin"', "sign_in = true")
        bar.answers.write_text(bar.answers.read_text() + f'\n[join]\ncode_file = "{bar.folder}/code"\n')
        yield front, bar


def moved(front: World, socket: Path) -> None:
    """The first register's configuration for a place beside the other's, and its files for who runs this."""
    text = front.config.read_text()
    for was, put in (
        ("/var/lib/tillkeeper", str(front.data)),
        ("/run/tillkeeper/tillkeeper.sock", str(socket)),
        ("/run/tillkeeper/probe/probe.sock", str(front.folder / "probe.sock")),
        ("127.0.0.1:8400", "127.0.0.1:8401"),
        ('listen = "0.0.0.0"', 'listen = "127.0.0.1:7470"'),
    ):
        assert was in text
        text = text.replace(was, put)
    front.config.write_text(text)
    for path in (front.data, *front.data.iterdir()):
        os.chown(path, 0, 0)


@pytest.mark.timeout(300)
def test_another_register_joins_the_store(store: tuple[World, World]) -> None:
    front, bar = store
    tillkeeper = f"{sys.executable} -m tillkeeper"
    folder, at = front.folder, front.folder / "front.sock"
    assert front.unattended().returncode == exits.OK
    moved(front, at)
    with machine(bar, "--net") as run:
        assert run(f"{tillkeeper} store create --config {front.config} --json")[0] == exits.OK
        agent = f"{tillkeeper} run --config {front.config} --ready-file {folder}/ready"
        run(f"{agent} > {folder}/log 2>&1 & echo $! > {folder}/pid")
        run(f"while ! test -e {folder}/ready; do kill -0 $(cat {folder}/pid) || break; sleep 0.05; done")
        code, said = run(f"{tillkeeper} store code bar --socket {at} --json")
        assert code == exits.OK, said + (folder / "log").read_text()
        join_code = json.loads(said)["code"]

        bar.folder.joinpath("code").write_text("AAAAA-BBBBB\n")
        code, said = run(f"{tillkeeper} setup --answers {bar.answers}")
        assert code == exits.USAGE, said
        assert run("test -e /etc/tillkeeper/tillkeeper.toml")[0] == 1

        bar.folder.joinpath("code").write_text(f"{join_code}\n")
        code, said = run(f"{tillkeeper} setup --answers {bar.answers}")
        assert code == exits.OK, said + (folder / "log").read_text()
        assert "admitted by front" in said
        assert "1 person of the store came with it" in said
        assert join_code not in said
        assert run("stat -c %a:%u:%g /etc/tillkeeper/beacon.key")[1] == "640:64990:64991\n"
        beacon = (front.etc / "beacon.key").read_text()
        assert run("cat /etc/tillkeeper/beacon.key")[1] == beacon
        assert beacon.strip() not in said
        assert run("cat /var/lib/tillkeeper/store-secret")[1] == (front.data / "store-secret").read_text()
        people = json.loads(run("cat /var/lib/tillkeeper/staff.json")[1])
        assert [one["employee"] for one in people["members"]] == ["ana"]
        assert run("stat -c %a:%u /var/lib/tillkeeper/staff.json")[1] == "600:64990\n"
        listed = json.loads(run(f"{tillkeeper} store status --socket {at} --json")[1])
        assert sorted(one["register"] for one in listed["members"]) == ["bar", "front"]

        code, said = run(f"{tillkeeper} setup --answers {bar.answers}")  # the code is used up, and not needed any more
        assert code == exits.OK, said
        assert "There is nothing to change." in said
        run(f"kill $(cat {folder}/pid)")
