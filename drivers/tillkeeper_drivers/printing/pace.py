"""How long a document takes on paper, at most. Pure.

It is counted long rather than short: what is said too early is lost where the power goes. No such time ends anything by itself;
it is how long a printer is waited for that can not tell when it is done, and how much later than others one may confirm.
"""

from tillkeeper_drivers.blocks import Block, Columns, Feed, Logo, Qr, Rule, Text

CUT_LINES = 8
"""From the head to the cutter it is about 27 mm (TM-U220, Epson ESC/POS programming guide, ESC m); and the cut itself."""
MOST_S = 60.0
"""Whatever the document: a worker that waits longer for one device is cut off (the agent's ceiling is 120 s)."""
_QR_LINES, _LOGO_LINES = 16, 10
_TWO_CELLS = "\u1100"
"""From here on most characters take two cells, or are spelled with several letters."""


def printing_s(blocks: tuple[Block, ...], cells: int, line_s: float) -> float:
    """The longest that `blocks` and their cut take to print where nothing holds the printer up.

    Args:
        cells: characters a line at normal width.
        line_s: the longest that a line of normal height takes; 0 for what prints nothing.
    """
    return min(MOST_S, (lines(blocks, cells) + CUT_LINES) * line_s)


def lines(blocks: tuple[Block, ...], cells: int) -> int:
    """About how many lines of normal height `blocks` take, rather more than fewer."""
    count = 0
    for block in blocks:
        match block:
            case Text():
                count += _wrapped(_cells(block.text) * block.width, cells) * block.height
            case Columns():
                count += _wrapped((_cells(block.left) + 1 + _cells(block.right)) * block.width, cells) * block.height
            case Feed():
                count += block.lines
            case Qr():
                count += max(_QR_LINES, _wrapped(_cells(block.data), cells))
            case Logo():
                count += _LOGO_LINES
            case Rule():
                count += 1
    return count


def _cells(text: str) -> int:
    return len(text) + sum(character >= _TWO_CELLS for character in text)


def _wrapped(length: int, cells: int) -> int:
    """Words are not broken: lines that are followed by others are taken to be two thirds full."""
    return 1 if length <= cells else 1 + -(-length * 3 // (2 * cells))
