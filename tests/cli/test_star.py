"""Star printers from the command line: simulated, and their bytes drawn."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tillkeeper.cli import main

FIXTURES = Path(__file__).resolve().parents[2] / "hw-fixtures"


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3", "tsp100"])
def test_bytes_of_a_star_printer_are_drawn(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stream = tmp_path / "slip.bin"
    stream.write_bytes(bytes.fromhex((FIXTURES / f"star-{model}" / "ticket.hex").read_text()))
    assert main(["render", str(stream), "--profile", model, "--png", str(tmp_path / "slip.png"), "--json"]) == 0
    (paper,) = json.loads(capsys.readouterr().out)["papers"]
    assert ("[picture 576x33]" if model == "tsp100" else "VOID 1 x Crème brûlée") in paper
    assert (tmp_path / "slip.png").read_bytes().startswith(b"\x89PNG")


def test_a_simulated_star_printer_prints_and_counts(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tillkeeper", "simulate", "printer", "--profile", "tsp650ii", "--port", "0"]
    with subprocess.Popen([*command, "--speed", "0", "--out", str(tmp_path)], stdout=subprocess.PIPE, text=True) as printer:
        assert printer.stdout is not None
        port = int(printer.stdout.readline().split(";")[0].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"\x1b@Table 4\n\x1bd3\x17")
            said = b""
            while len(said) < 22:
                said += connection.recv(64)
            lines = [printer.stdout.readline() for _ in range(2)]
        printer.terminate()
        assert printer.wait(10) == 0
    assert said[11:] == bytes.fromhex("2386020000000002000000")
    assert "Table 4" in "".join(lines)
    assert "Table 4" in (tmp_path / "slip-0001.txt").read_text()
