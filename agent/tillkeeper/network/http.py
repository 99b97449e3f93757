"""One plain GET and the head of its answer, for the 204 check (RFC 9112). Pure and bounded."""

import datetime

import msgspec

MAX_HEAD = 8192
"""A head that has not ended by then is none."""
_MOST_LOCATION = 512
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EPOCH = datetime.date(1970, 1, 1).toordinal()


class Head(msgspec.Struct, frozen=True):
    """`location`: empty where there is none, at most 512 characters. `date_ms`: the server's clock, milliseconds of Unix
    time, None where it says none. `length`: of the body, None where it is not said."""

    status: int
    location: str = ""
    date_ms: int | None = None
    length: int | None = None


def get_request(host: str, path: str, port: int = 80) -> bytes:
    """Raises ValueError for what would break the lines. An IPv6 address may be given with or without brackets."""
    path = path or "/"
    if not all(text.isascii() and text.isprintable() and " " not in text for text in (host, path)) or not host:
        raise ValueError(f"no host or path of a request: {host!r} {path!r}")
    if not path.startswith("/"):
        raise ValueError(f"a path begins with a slash: {path!r}")
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    where = host if port == 80 else f"{host}:{port}"
    lines = (f"GET {path} HTTP/1.1", f"Host: {where}", "User-Agent: tillkeeper", "Accept: */*", "Cache-Control: no-cache",
             "Connection: close")  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def wants_more(data: bytes) -> bool:
    """Whether reading on can still make a head of this. False where it is whole, too long, or does not begin like HTTP."""
    return data[:5] == b"HTTP/"[: len(data)] and len(data) < MAX_HEAD and _end(data) < 0


def parse_head(data: bytes) -> Head | None:
    """Of the first final response; interim ones (1xx) are stepped over (RFC 9110, 15.2). None where there is no whole head
    within `MAX_HEAD` bytes or its first line is not HTTP/1's (RFC 9112, 4)."""
    data = data[:MAX_HEAD]
    while (end := _end(data)) >= 0:
        status = _status(data.partition(b"\n")[0].rstrip(b"\r"))
        if status is None:
            return None
        if not 100 <= status < 200:
            return _head(status, data[:end])
        data = data[end:]
    return None


def _end(data: bytes) -> int:
    """Behind the empty line, -1 where there is none. Lines may end without CR (RFC 9112, 2.2)."""
    ends = [at + len(mark) for mark in (b"\n\r\n", b"\n\n") if (at := data.find(mark)) >= 0]
    return min(ends, default=-1)


def _status(line: bytes) -> int | None:
    code = line[9:12]
    if not line.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")) or line[12:13] not in (b"", b" ") or not code.isdigit():
        return None
    return status if len(code) == 3 and (status := int(code)) >= 100 else None


def _head(status: int, head: bytes) -> Head:
    """The first field of each name counts, but for lengths that contradict each other (RFC 9112, 6.3)."""
    location, date_ms, lengths = "", None, set()
    for line in head.split(b"\n")[1:]:
        name, colon, value = line.partition(b":")
        text = value.strip(b" \t\r").decode("latin-1")
        if not colon:
            continue
        match name.lower():
            case b"location" if not location and text.isprintable():
                location = text[:_MOST_LOCATION]
            case b"date" if date_ms is None:
                date_ms = date_ms_of(text)
            case b"content-length":
                lengths.add(int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else -1)
    length = lengths.pop() if len(lengths) == 1 else -1
    return Head(status, location, date_ms, None if length < 0 else length)


def date_ms_of(text: str) -> int | None:
    """Milliseconds of Unix time of an HTTP date in any of its three forms (RFC 9110, 5.6.7), None for anything else. Two
    digits of a year are of 1970 to 2069."""
    words = text.replace(",", " ").replace("-", " ").split()
    if len(words) == 6 and words[5] == "GMT":
        _, day, month, year, clock, _ = words
    elif len(words) == 5:
        _, month, day, clock, year = words
    else:
        return None
    numbers = (day, year, *clock.split(":"))
    if len(numbers) != 5 or month.lower() not in _MONTHS:
        return None
    if not all(number.isascii() and number.isdigit() and len(number) <= 4 for number in numbers):
        return None
    of_day, of_year, hour, minute, second = map(int, numbers)
    if len(year) == 2:
        of_year += 1900 if of_year >= 70 else 2000
    if hour > 23 or minute > 59 or second > 60:
        return None
    try:
        days = datetime.date(of_year, _MONTHS.index(month.lower()) + 1, of_day).toordinal() - _EPOCH
    except ValueError:
        return None
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000
