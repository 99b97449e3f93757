"""`pos.py SOCKET FILE`: place an order as soon as somebody answers, and write down when; `pos.py SOCKET`: sell until it is
ended, and say of each sale that was acknowledged its key and ticket code. Times are seconds since the kernel's start."""

import itertools
import json
import os
import socket
import sys
import time

ORDER = json.dumps({"order_type": "takeout", "lines": [{"item_id": "cheeseburger"}], "tenders": [{"tender": "cash"}]}).encode()
LOOK_S = 0.1


def now_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def sold(path: str, key: str) -> dict[str, object]:
    """The answer, once there is a good one."""
    head = ("POST /v1/orders HTTP/1.0", "Host: register", f"Idempotency-Key: {key}", f"Content-Length: {len(ORDER)}")
    request = "\r\n".join((*head, "Content-Type: application/json", "", "")).encode() + ORDER
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as agent:
                agent.connect(path)
                agent.sendall(request)
                with agent.makefile("rb") as answer:
                    said, _, content = answer.read().partition(b"\r\n\r\n")
            if said.split()[1:2] in ([b"200"], [b"201"]):
                acknowledged: dict[str, object] = json.loads(content)
                return acknowledged
        except OSError:
            pass
        time.sleep(LOOK_S)


def main() -> None:
    path, began_s = sys.argv[1], now_s()
    if sys.argv[2:]:
        answer = sold(path, "first")
        with open("/proc/uptime", encoding="ascii") as uptime:  # proc_uptime(5): of all processors together
            idle_s = float(uptime.read().split()[1])
        with open(sys.argv[2] + ".new", "w", encoding="utf-8") as out:
            json.dump({"began_s": began_s, "sold_s": now_s(), "idle_s": idle_s, "answer": answer}, out)
        os.rename(sys.argv[2] + ".new", sys.argv[2])
        return
    for number in itertools.count(1):
        key = f"sale-{number}"
        print("acknowledged", key, sold(path, key)["ticket_code"], flush=True)


if __name__ == "__main__":
    main()
