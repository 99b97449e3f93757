"""Which devices may be wired to which register: `register` of [devices.NAME]. Pure."""

from collections.abc import Iterable

from tillkeeper.config.raw import Report, Table, table, tables, text


def check(document: Table, printers: Iterable[str], report: Report) -> None:
    """Report each device whose `register` means nothing, is none, or can not be reached from here.

    Args:
        printers: the kinds of devices that may be wired to one register.
    """
    registers, me = table(document, "registers"), text(document, "this_register")
    for name, device in tables(document, "devices"):
        if not (register := text(device, "register")):
            continue
        path, kind = ("devices", name, "register"), text(device, "kind")
        if kind == "drawer":
            report(path, "'register' means nothing for a drawer: it is where its printer is")
        elif kind and kind not in printers:
            report(path, f"'register' is for printers, not for a device of kind {kind!r}")
        elif register not in registers:
            report(path, f"no register {register!r}", register, registers)
        elif register != me and not _line(document, register):
            hint = f"[registers.{register}] needs an 'address', or [replication] a 'listen'"
            report(path, f"there is no line to register {register!r}: {hint}")


def _line(document: Table, register: str) -> bool:
    """Whether either of the two can call the other."""
    return bool(text(table(document, "registers", register), "address") or text(table(document, "replication"), "listen"))
