"""What is said to somebody who may not, or not yet. None of them carries a PIN, a session or an approval."""

from tillkeeper.contract.caller import Permission
from tillkeeper.errors import NotFound, Refused


class SignInNeeded(Refused):
    """Nobody is signed in at the page that asks."""

    status = 401

    def __init__(self, operation: str, subject: str) -> None:
        super().__init__("sign_in_needed", operation, subject, "nobody is signed in here", "sign in with your PIN")


class ApprovalNeeded(Refused):
    """The person may not, somebody else may."""

    status = 403

    def __init__(self, operation: str, subject: str, cause: str, permission: Permission) -> None:
        hint = "somebody who may do it can approve it with a PIN"
        super().__init__("approval_needed", operation, subject, cause, hint, permission=permission)


class ApproverMayNot(Refused):
    """The PIN is right, and its owner may not do it either."""

    status = 403

    def __init__(self, permission: Permission, words: str) -> None:
        cause = f"this person may not {words} either"
        super().__init__("approver_may_not", "approve", "command", cause, "ask a manager", permission=permission)


class PinWrong(Refused):
    status = 401

    def __init__(self, operation: str, terminal: str, tries_left: int) -> None:
        left = "1 try is left" if tries_left == 1 else f"{tries_left} tries are left"
        super().__init__(
            "pin_wrong", operation, f"terminal {terminal}", f"the PIN is wrong; {left}", "try again", tries_left=tries_left
        )


class LockedOut(Refused):
    status = 429

    def __init__(self, operation: str, terminal: str, retry_after_s: int) -> None:
        super().__init__(
            "locked_out", operation, f"terminal {terminal}", "too many wrong PINs",
            f"wait {retry_after_s} s", retry_after_s=retry_after_s,
        )  # fmt: skip


class UnknownTerminal(NotFound):
    code = "unknown_terminal"
