"""Numbers as people say them. Pure."""


def counted(count: int, one: str, many: str) -> str:
    """"1 document waits", "2 documents wait"."""
    return f"{count} {one if count == 1 else many}"


def duration_words(seconds: float) -> str:
    """As people say it: "40 s", "3 min", "5 h", "2 days"."""
    whole = int(max(0.0, seconds))
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if whole < limit:
            return f"{whole // unit} {name}"
    return f"{whole // 86_400} days"
