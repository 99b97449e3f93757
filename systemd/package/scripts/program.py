# What `/usr/bin/@PROGRAM@` starts. It needs nothing of ours before what may be broken.
import importlib
import os
import sys
import time
import traceback

STAYS_S = 5.0
began_s = time.monotonic()
try:
    code = importlib.import_module("@ENTRY@").main()
except Exception:  # noqa: BLE001 - whatever is broken here, it is told, and tried again for ever
    traceback.print_exc()
    code = 1
    # Not at full speed: systemd starts it again at once.
    if os.environ.get("NOTIFY_SOCKET"):
        time.sleep(max(0.0, began_s + STAYS_S - time.monotonic()))
sys.exit(code)
