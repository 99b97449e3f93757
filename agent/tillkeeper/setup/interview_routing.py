"""Which station gets what of the menu, where there are several. Pure."""

from collections.abc import Callable

from msgspec.structs import replace

from tillkeeper.setup.answers import Answers
from tillkeeper.setup.asking import Interview, Wrong, ask, say
from tillkeeper.setup.known import Menu


def routing(menu: Menu, said: Answers) -> Interview[Answers]:
    names = list(said.stations)
    if len(names) < 2:
        return said

    def station(text: str) -> str:
        if text.strip() not in said.stations:
            raise Wrong(f"one of {', '.join(names)}")
        return text.strip()

    first = yield from ask("stations", f"Which station gets what no other one takes? ({', '.join(names)})", station, names[0])
    categories = list(menu.categories)
    shown = [f"  {number:2}  {menu.categories[key]} ({key})" for number, key in enumerate(categories, 1)]
    yield from say("\n".join(["Categories of the menu:", *shown]))
    stations = {first: said.stations[first]} | {name: one for name, one in said.stations.items() if name != first}
    for name in names:
        if name == first:
            continue
        old = [str(categories.index(key) + 1) for key in said.stations[name].categories if key in menu.categories]
        text = f"Which of them does {name} get? Numbers with spaces, - for none"
        taken = yield from ask(f"stations.{name}.categories", text, _categories(categories), " ".join(old) or "-")
        stations[name] = replace(stations[name], categories=taken)
    return replace(said, stations=stations)


def _categories(known: list[str]) -> Callable[[str], tuple[str, ...]]:
    def checked(text: str) -> tuple[str, ...]:
        if text.strip() == "-":
            return ()
        taken = []
        for word in text.replace(",", " ").split():
            if word in known:
                taken.append(word)
            elif word.isdecimal() and 1 <= int(word[:4]) <= len(known):
                taken.append(known[int(word[:4]) - 1])
            else:
                raise Wrong(f"there is no category {word!r}: a number from 1 to {len(known)}, or -")
        return tuple(dict.fromkeys(taken))

    return checked
