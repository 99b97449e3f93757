"""What a rig needs of the machine: where it is missing a test fails in CI and is skipped elsewhere, both with the reason."""

import os
import shutil

import pytest


def need(*tools: str, root: bool = True) -> None:
    """Programs on the path, and root where `root` is set. Namespaces are root's here."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    reasons = [f"needs {', '.join(missing)} (requirements/apt.txt)"] if missing else []
    if root and os.geteuid() != 0:
        reasons.append("needs root")
    if reasons:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("; ".join(reasons))
