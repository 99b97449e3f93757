"""Marks in the reader's words. The spool writes them in English; one that no language file knows is printed as it is."""

from tillkeeper.layouts.fields import Sheet
from tillkeeper.spool.model import JobData, PulseData, TestSlipData

_WITH_NAME = {
    "REROUTED FROM ": ("marks.rerouted_from", "station"),
    "CARRY TO KITCHEN: ": ("marks.carry", "station"),
    "FROM REGISTER ": ("marks.from_register", "register"),
    "FROM PAPER ": ("marks.from_paper", "slip"),
}
"""Beginning of a mark -> word, and the name that follows."""
_KNOWN = {"POSSIBLE DUPLICATE": "marks.possible_duplicate", "DUPLICATE": "marks.duplicate"}


def mark_texts(sheet: Sheet) -> tuple[str, ...]:
    """The job's marks, each of them, in their order."""
    return tuple(_translated(sheet, mark) for mark in sheet.job.marks)


def training_of(data: JobData) -> bool:
    """Whether the document is of practice."""
    return not isinstance(data, PulseData | TestSlipData) and data.training


def _translated(sheet: Sheet, mark: str) -> str:
    if mark in _KNOWN:
        return sheet.language.word(_KNOWN[mark])
    for beginning, (word, name) in _WITH_NAME.items():
        if mark.startswith(beginning):
            return sheet.language.word(word, **{name: mark.removeprefix(beginning)})
    return mark
