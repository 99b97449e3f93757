"""What primary, backup and the other registers tell each other about the roles: topics and bodies. Pure."""

from typing import Final

import msgspec

from tillkeeper.contract.bodies import reader
from tillkeeper.contract.roles import Epoch, RolesAssigned, WitnessAsked, WitnessSaid

RENEW: Final = "roles.renew"
WITNESS: Final = "roles.witness"
CLAIM: Final = "roles.claim"


class Renew(msgspec.Struct, frozen=True):
    """From the primary: the record that it goes by; its backup grants it the lease by the answer. `released`: all who had a
    role before have acknowledged it."""

    record: RolesAssigned
    released: bool = True


class Renewed(msgspec.Struct, frozen=True):
    """`epoch`: of the record that the answering register goes by now, durably. `record`: where that is higher. `granted`: it is
    the backup and grants the lease. `stood`: the highest epoch for which it has asked witnesses."""

    epoch: Epoch
    granted: bool = False
    record: RolesAssigned | None = None
    stood: Epoch = Epoch()


class Claim(msgspec.Struct, frozen=True):
    """Before a manager's choice is decided: of those who have a role and are heard. Answered as a witness answers."""

    register: str
    base: Epoch
    epoch: Epoch


encode = msgspec.json.Encoder().encode
decode_renew = reader(Renew)
decode_renewed = reader(Renewed)
decode_claim = reader(Claim)
decode_asked = reader(WitnessAsked)
decode_said = reader(WitnessSaid)
