"""Compiles a tree for the machine it is going to: started as a program by Debian's own Python where there is one.

    python3 -I bytecode.py FOLDER SHOWN

"Unchecked hash" (PEP 552): the .pyc holds no time, so that two builds are the same to the byte, and a start neither looks at
the source nor compiles anything. FOLDER's place on this machine is in none of them: SHOWN is.
"""

import py_compile
import sys
from pathlib import Path


def compile_tree(folder: Path, shown: str) -> None:
    """Compile each .py below `folder`, in the order of their names. Raises `py_compile.PyCompileError`."""
    for source in sorted(folder.rglob("*.py")):
        made = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        name = f"{shown}/{source.relative_to(folder).as_posix()}"
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), str(made), name, doraise=True, invalidation_mode=mode)


if __name__ == "__main__":
    compile_tree(Path(sys.argv[1]), sys.argv[2])
