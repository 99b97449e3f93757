"""Who asks: on whose behalf, from which place, and what that person may do."""

from typing import Literal

import msgspec

Scope = Literal["full", "page"]
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
    """`full`: an integration or the command line, trusted with everything; it says in each command who did it. `page`: one of
    our pages, where `employee` has signed in (empty, without permissions: nobody has; empty, with permissions: nobody has to).
    `approver`: a person who approved one command that needs what is `approved`; `approval` is under which it is kept until
    used. `training`: what this caller rings is practice."""

    scope: Scope = "full"
    terminal: str = ""
    employee: str = ""
    permissions: frozenset[Permission] = frozenset()
    approver: str = ""
    approved: frozenset[Permission] = frozenset()
    approval: str = ""
    training: bool = False

    @property
    def signed_in(self) -> bool:
        return self.scope == "full" or bool(self.permissions)

    def may(self, permission: Permission) -> bool:
        return self.scope == "full" or permission in self.permissions or permission in self.approved

    def person(self, said: str) -> str:
        """Who did it: the employee who signed in, else whom an integration names."""
        return self.employee or said


INTEGRATION = Caller()
