"""QR codes (ISO/IEC 18004) as text."""


def modules(text: str) -> tuple[str, ...]:
    """The modules, a row a text, "#" dark and " " light, without the quiet zone around."""
    import qrcode  # where a code is asked for, and nowhere else

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    return tuple("".join("#" if dark else " " for dark in row) for row in code.get_matrix())


def terminal(rows: tuple[str, ...], quiet: int = 2) -> str:
    """For a terminal, two rows a line, light on dark (most terminals are dark, and readers take either)."""
    width = len(rows[0]) + 2 * quiet
    blank = " " * width
    padded = [blank] * quiet + [" " * quiet + row + " " * quiet for row in rows] + [blank] * quiet
    if len(padded) % 2:
        padded.append(blank)
    # A light module is drawn: the code stands on a light ground also where the terminal is dark.
    drawn = {("#", "#"): " ", ("#", " "): "▄", (" ", "#"): "▀", (" ", " "): "█"}
    return "\n".join(
        "".join(drawn[upper, lower] for upper, lower in zip(padded[at], padded[at + 1], strict=True))
        for at in range(0, len(padded), 2)
    )
