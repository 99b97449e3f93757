"""What is said where a device can not be paired. None of them carries a code or a token."""

from tillkeeper.access.book import MAX_DEVICES
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


def wrong_code() -> CodeRefused:
    return CodeRefused("wrong_code", "pair", "device", "the code is wrong", "compare it and try again")


def too_many(register: str) -> Refused:
    cause = f"{MAX_DEVICES} devices are paired at {register}"
    return Refused("too_many_devices", "pair", "device", cause, "end those that are gone: `tillkeeper unpair`")


def no_code_open() -> CodeRefused:
    return CodeRefused("no_code_open", "pair", "device", "no code is open here", HINT)


def used_by_another() -> CodeRefused:
    cause = "another device was paired with this code"
    return CodeRefused("code_used", "pair", "device", cause, "if it is not yours, end it: `tillkeeper unpair`; then a new code")
