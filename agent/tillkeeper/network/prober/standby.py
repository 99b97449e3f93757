"""A prober that is switched off (`watch = false`): opens nothing, sends nothing, and stays, for a service that ends is started
again and again."""

import signal

from tillkeeper import sd_notify
from tillkeeper.network.prober.log import log

WORDS = "not watching: `watch = false` in [network]"
_ENDS = frozenset((signal.SIGTERM, signal.SIGINT))
_LONG_S = 3600.0


def stand_by() -> None:
    """Until SIGTERM or SIGINT; systemd's watchdog is fed meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        log("switched_off", why=WORDS)
        sd_notify.notify(READY="1", STATUS=WORDS)
        while signal.sigtimedwait(_ENDS, sd_notify.watchdog_s() or _LONG_S) is None:
            sd_notify.notify(WATCHDOG="1")
        sd_notify.notify(STOPPING="1")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
