"""Who asks: on whose behalf, from which place, and what that person may do."""

from typing import Literal

import msgspec

DeviceScope = Literal["register", "kitchen", "technician", "manager"]
"""What a paired device may do at most, whoever has signed in there; `api/scopes.py` has the table."""
DEVICE_SCOPES: tuple[DeviceScope, ...] = DeviceScope.__args__  # type: ignore[attr-defined]
Scope = Literal["full", "page"] | DeviceScope
Permission = Literal[
    "ring",
    "tender",
    "discount",
    "void_unfired",
    "void_fired",
    "void_check",
    "refund",
    "no_sale",
    "cash_movement",
    "open_drawer",
    "count_drawer",
    "close_drawer",
    "see_expected",
    "sold_out",
    "edit_time",
    "reports",
    "training_off",
    "set_up_devices",
    "admit_registers",
    "erase_personal",
    "assign_roles",
    "switch_mode",
    "take_over",
    "close_day",
    "settle",
]
PERMISSIONS: tuple[Permission, ...] = Permission.__args__  # type: ignore[attr-defined]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """`full`: an integration or the command line, trusted with everything; it says in each command who did it. All others: one
    of our pages (`page`: on this machine, else a paired one, whose name is `device`), where `employee` has signed in (empty,
    without permissions: nobody has; empty, with permissions: nobody has to).
    `approver`: a person who approved one command that needs what is `approved`; `approval` is under which it is kept until
    used. `training`: what this caller rings is practice. `must_practise`: it has to be, but for somebody with `training_off`.
    `local`: as whom the kernel knows who called over the unix socket ("user root"); "integration" for the full token
    on the port."""

    scope: Scope = "full"
    terminal: str = ""
    employee: str = ""
    permissions: frozenset[Permission] = frozenset()
    approver: str = ""
    approved: frozenset[Permission] = frozenset()
    approval: str = ""
    training: bool = False
    must_practise: bool = False
    device: str = ""
    local: str = ""

    @property
    def signed_in(self) -> bool:
        return self.scope == "full" or bool(self.permissions)

    def may(self, permission: Permission) -> bool:
        return self.scope == "full" or permission in self.permissions or permission in self.approved

    def person(self, said: str) -> str:
        """Who did it: the employee who signed in, else whom an integration names, else the paired device, else the user of this
        machine."""
        return self.named(said) or self.local

    def named(self, said: str) -> str:
        """As `person`, without the last: a sale that an integration rings is nobody's who runs on the machine."""
        return self.employee or said or (f"device {self.device}" if self.device else "")


def device_terminal(device: str) -> str:
    """The place of a paired device that is none of [terminals]."""
    return f"device:{device}"


INTEGRATION = Caller()
