"""Whether the next start would succeed, as far as the configuration decides it: asked of the version that would start. An agent
that sells does not end for one that can not start."""

import asyncio
import contextlib
import sys
from pathlib import Path

from tillkeeper.upkeep.installed import TREES

CHECK_S = 60.0
"""A check that takes longer tells nothing good either."""
LAST_LINES, MOST_CHARACTERS = 4, 400
"""Of what it says."""


def command(config: Path, prefix: str = sys.prefix) -> tuple[str, ...]:
    """`config check --start` of the version of the next start; an environment that no package brought starts itself again."""
    tree = Path(prefix)
    check = ("config", "check", "--start", str(config))
    if tree.parent.name != TREES:
        return (sys.executable, "-m", "tillkeeper", *check)
    then = tree.parent.parent / "current" / "bin"
    return (str(then / "python3"), "-I", str(then / "tillkeeper"), *check)


async def trouble(started: tuple[str, ...]) -> str:
    """What `command` finds wrong, in words, or empty. No child is left behind."""
    try:
        child = await asyncio.create_subprocess_exec(
            *started, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        return f"{started[0]}: {error.strerror or error}"
    try:
        async with asyncio.timeout(CHECK_S):
            said, _ = await child.communicate()
    except TimeoutError:
        return f"its configuration was not checked within {CHECK_S:g} s"
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode == 0:
        return ""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return "; ".join(lines[-LAST_LINES:])[:MOST_CHARACTERS] or f"`config check` ended with {child.returncode}"
