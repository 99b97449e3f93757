"""The papers of all built-in layouts as text, in three languages and two widths. After a wanted change:

python -m tests.layouts.golden_papers
"""

from pathlib import Path

import msgspec
from tests.layouts.world import paper_of, store, text_of

from tillkeeper.layouts import names, samples, shelf

FOLDER = Path(__file__).parent / "golden"
LANGUAGES = ("en", "de", "fr")
COLUMNS = (32, 48)


def papers(name: str) -> str:
    """Everything that one layout makes."""
    config = store()
    layout = shelf.builtin(name)
    said = []
    for tag in LANGUAGES:
        for columns in COLUMNS:
            marks = ("POSSIBLE DUPLICATE", "REROUTED FROM BAR")
            job = samples.sample(layout.document, config, station="grill", training=True, copy=2, marks=marks)
            job = msgspec.structs.replace(job, device="grill")
            said.append(f"##### {tag} {columns}\n{text_of(paper_of(job, config, tag, layout), columns)}")
    return "\n".join(said)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in sorted(names.builtin_layouts()):
        (FOLDER / f"{name}.txt").write_text(papers(name), "utf-8")


if __name__ == "__main__":
    main()
