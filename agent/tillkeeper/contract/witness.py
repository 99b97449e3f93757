"""What a witness answers who is asked whether the primary or the backup is away: a third register, or HQ. Pure."""

from tillkeeper.contract.roles import Epoch, Says, WitnessAsked, leaps

SILENT_S = 3.5
"""A register that was not heard for so long, in seconds of CLOCK_BOOTTIME, is away as far as a witness can tell: the lease of a
primary (3 s) and a margin."""


def judge(asked: WitnessAsked, me: str, known: Epoch, agreed: Epoch, heard_age_s: float) -> tuple[Says, Epoch]:
    """The answer, and the epoch that it names where it is a refusal.

    Args:
        me: the witness. It goes by the record `known` and has agreed to `agreed` at most.
        heard_age_s: since it last heard the one who is said to be away, and at most since its own start.
    """
    if known > asked.base:
        return "refuses", known
    if agreed > asked.base and (agreed.register != asked.register or agreed > asked.epoch):
        return "refuses", agreed
    if asked.epoch <= asked.base or asked.epoch.register != asked.register:
        return "refuses", asked.base
    if me == asked.away or heard_age_s < SILENT_S:
        return "hears", Epoch()
    if leaps(asked.epoch, known, agreed):
        return "refuses", max(known, agreed)
    return "agrees", Epoch()
