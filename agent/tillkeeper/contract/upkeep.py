"""Changing over to another version between two sales."""

from tillkeeper.contract.base import View


class RestartView(View, frozen=True):
    """`version` runs; `installed` is the one that waits for a restart, empty where none does. `wanted`: the agent ends itself
    at the next quiet moment. `by`: who asked for it, empty where only the package did. `reasons`: why not now, in words."""

    version: str
    installed: str
    wanted: bool
    by: str
    reasons: tuple[str, ...]
