"""Takes memory, 8 MB at a time and 2 GB at most, and says how much it has."""

import time

held = []
for taken in range(8, 2048, 8):
    held.append(bytearray(b"x" * (8 << 20)))
    print(taken, flush=True)
    time.sleep(0.001)
