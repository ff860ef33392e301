"""The values of the arguments of commands, such as models, presets and files.

A placeholder in the form of an argument (`engine/argument_forms.py`) names its list.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from replyscope.engine.argument_forms import Row, complete_argument
from replyscope.engine.path_completion import PathCompletion
from replyscope.engine.presets import describe_preset
from replyscope.engine.services import ChatServices
from replyscope.engine.targets import Targets

List = Callable[[], Iterable[Row]]
PATHS = ("FILE", "PATH")
"""The placeholders of paths."""
LISTS = ("MODEL", "MODELS", "PRESET", "PROMPT", "SERVER:NAME", "THEME", "TOOL", "NAME=VALUE")
"""The placeholders of other lists."""


class ArgumentLists:
    """Completes the arguments of commands. `lists` are the lists of the chat, by placeholder."""

    def __init__(self, services: ChatServices, targets: Targets, lists: Mapping[str, List]) -> None:
        self._services = services
        self._targets = targets
        self._lists: Mapping[str, List] = {
            "MODEL": self._models,
            "MODELS": self._models_here,
            "PRESET": self._presets,
            **lists,
        }
        self.paths = PathCompletion(lambda: services.working_folder)

    async def complete(self, form: str, typed: str) -> list[Row]:
        """The completions of an argument, each as a whole argument."""
        wanted: list[str] = []

        def values(placeholder: str, prefix: str) -> Iterable[Row]:
            if placeholder in PATHS:
                wanted.append(prefix)
                return ()
            listed = self._lists.get(placeholder)
            return listed() if listed is not None else ()

        rows = complete_argument(form, typed, values)
        for prefix in wanted[:1]:
            head = typed[: len(typed) - len(prefix)]
            found = await self.paths.complete(prefix)
            rows += [(f"{head}{path}", "folder" if is_folder else "") for path, is_folder in found]
        return [] if [value for value, _ in rows] == [typed] else rows

    def _models(self) -> Iterator[Row]:
        """Aliases, favourites, and the models of all servers whose lists are loaded."""
        settings, targets = self._services.settings, self._targets
        for alias in settings.aliases:
            yield alias, str(targets.find_model(alias))
        for name in settings.favourites:
            yield str(targets.parse_model(name)), "favourite"
        yield from self._models_here()
        for endpoint in targets.endpoints:
            if endpoint is not targets.endpoint:
                for info in targets.lists.of(endpoint).models or ():
                    yield f"{endpoint.name}/{info.id}", ""

    def _models_here(self) -> Iterator[Row]:
        for info in self._targets.models:
            yield info.id, ""

    def _presets(self) -> Iterator[Row]:
        for one in self._services.settings.presets:
            yield one.name, describe_preset(one)
