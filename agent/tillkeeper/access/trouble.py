"""What is said where a device can not be paired. None of them carries a code or a token."""

from tillkeeper.errors import Refused

HINT = "a code lasts ten minutes, for one device, and no restart; make a new one with `tillkeeper pair` or on the page Devices"


class CodeRefused(Refused):
    """The code opens nothing."""

    status = 403


class ScopeTooFar(Refused):
    """A device would pair another that may what it may not itself."""

    status = 403


def nobody_signed_in(subject: str, own: str, asked: str) -> ScopeTooFar:
    cause = f"nobody has signed in on this {own} device, so it pairs no {asked} device"
    return ScopeTooFar(
        "scope_refused", "pair", subject, cause, "sign in, or do it at the register itself", scope=own, scopes=[]
    )


def wrong_code(tries_left: int) -> CodeRefused:
    left = "1 try is left" if tries_left == 1 else f"{tries_left} tries are left"
    return CodeRefused("wrong_code", "pair", "device", f"the code is wrong; {left}", "compare it", tries_left=tries_left)


def code_used_up() -> CodeRefused:
    return CodeRefused("code_used_up", "pair", "device", "the code is wrong, and that was the last try: it is void", HINT)


def no_code_open() -> CodeRefused:
    return CodeRefused("no_code_open", "pair", "device", "no code is open here", HINT)


def used_by_another() -> CodeRefused:
    cause = "another device was paired with this code"
    return CodeRefused("code_used", "pair", "device", cause, "if it is not yours, end it: `tillkeeper unpair`; then a new code")
