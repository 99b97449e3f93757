"""Questions at a terminal: one a line, plain text, so that a serial console will do; or at a pipe."""

import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from tillkeeper.cli.terminal import clean
from tillkeeper.errors import Refused
from tillkeeper.setup.asking import Interview, Question, Say, Wrong

MAX_LINE = 4096
T = TypeVar("T")


class Nobody(Refused):
    """Standard input has ended."""

    def __init__(self, question: str) -> None:
        cause = f"nobody answers {question!r}; nothing was changed"
        super().__init__("no_answer", "set up", "this register", cause, "without a keyboard: --answers FILE (docs/setup.md)")


def say(text: str) -> None:
    lines = text.rstrip("\n").split("\n")
    sys.stdout.write("\n".join(map(clean, lines)) + "\n")
    sys.stdout.flush()


def converse(steps: Interview[T]) -> T:
    """Ask each question until its answer can be. Raises: Nobody."""
    try:
        step = next(steps)
        while True:
            if isinstance(step, Say):
                say(step.text)
                step = steps.send(None)
            else:
                step = steps.send(_answer(step))
    except StopIteration as done:
        value: T = done.value
        return value


def _answer(question: Question[T]) -> T:
    while True:
        typed = _line(question, question.text)
        try:
            value = question.value(typed)
        except Wrong as error:
            say(f"  That can not be: {error}" + ("" if str(error).endswith("?") else "."))
            continue
        if question.twice and _line(question, "  The same again") != typed:
            say("  The two are not the same: once more.")
            continue
        return value


def _line(question: Question[T], text: str) -> str:
    shown = f"{text} [{question.default}]: " if question.default is not None else f"{text}: "
    with _unseen(question.secret):
        sys.stdout.write(clean(shown))
        sys.stdout.flush()
        line = sys.stdin.readline(MAX_LINE)
        if question.secret or not sys.stdin.isatty():
            say("")
    if not line:
        raise Nobody(question.text)
    return line.rstrip("\r\n") if question.secret else line.strip()


@contextmanager
def _unseen(secret: bool) -> Iterator[None]:
    """What is typed is not shown: switched off before the prompt, with what was typed ahead thrown away."""
    if not secret or not sys.stdin.isatty():
        yield
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    quiet = list(before)
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSAFLUSH, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
