"""The agent's server comes without uvicorn's command line, and leaves uvicorn whole for others."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import tillkeeper.api.server, sys; print({'click', 'multiprocessing', 'uvicorn.main'} & set(sys.modules))", "set()"),
        ("import tillkeeper.api.server, uvicorn, uvicorn.server as s; print(uvicorn.Server is s.Server)", "True"),
        ("import tillkeeper.api.server, uvicorn.main as m; print(callable(m.run), callable(m.main))", "True True"),
        ("import uvicorn, tillkeeper.api.lean as lean; print(lean.Server is uvicorn.Server)", "True"),
    ],
)
def test_the_command_line_of_uvicorn_is_loaded_only_by_who_wants_it(code: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == (said, 0), done.stderr
