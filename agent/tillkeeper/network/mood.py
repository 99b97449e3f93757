"""What the moment asks of the plan. A value."""

import msgspec

from tillkeeper.network.locate import Burst


class Mood(msgspec.Struct):
    """What the engine makes of the moment. `lan`, `wan`: a question there has lately gone unanswered, or a peer suspects.
    `lan_dead`: neither gateway nor neighbours answer. `proven`: HQ was heard just now. `locating`: loss is being located.
    `cut_off`: nothing behind the router answers, nor anybody in its place: who is farther off need not be asked often."""

    lan: bool = False
    wan: bool = False
    lan_dead: bool = False
    proven: bool = False
    locating: Burst = ""
    lossy: bool = False
    """Losses have been located: what is asked now is to see their end."""
    own_suspected: bool = False
    mac_changed: bool = False
    resolver_fails: bool = False
    hq_doubted: bool = False
    cut_off: bool = False
    half: bool = False
    """A tick between two rounds, while locating."""
