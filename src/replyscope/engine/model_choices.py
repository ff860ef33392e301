"""The models that a person can choose from: the models of all providers, and the favourites."""

from collections.abc import Sequence
from dataclasses import replace

from replyscope.domain.model_names import LOCAL, ModelName
from replyscope.engine.model_entries import KnownModels
from replyscope.engine.services import ChatServices
from replyscope.engine.targets import Targets


class ModelChoices:
    """The sources of the model picker."""

    def __init__(self, targets: Targets, services: ChatServices) -> None:
        self._targets = targets
        self._services = services
        self._toggled: dict[ModelName, None] = {}
        """Models that are favourites in this run but not in the settings, or the reverse."""

    def known(self, recent: Sequence[ModelName] = (), *, is_retry: bool = False) -> KnownModels:
        """The models of all providers, as known so far, for the picker. `is_retry` leaves
        out models that cannot answer at once: embedded models that are not running.
        """
        known = self._all_models(recent)
        if not is_retry:
            return known
        running = self._targets.known_endpoint(LOCAL)

        def answers(name: ModelName) -> bool:
            is_running = running is not None and name.model == running.model
            return name.provider != LOCAL or is_running

        return replace(
            known,
            favourites=[one for one in known.favourites if answers(one)],
            recent=[one for one in recent if answers(one)],
            aliases={alias: one for alias, one in known.aliases.items() if answers(one)},
            embedded=[one for one in known.embedded if answers(ModelName(one.name, LOCAL))],
        )

    def _all_models(self, recent: Sequence[ModelName]) -> KnownModels:
        services = self._services
        settings = services.settings
        here = self._targets.endpoint.name if self._targets.endpoint is not None else None
        aliases = {
            alias: self._targets.placed(settings.find_model(alias, self._targets.others))
            for alias in settings.aliases
        }
        is_local = here == LOCAL
        return KnownModels(
            [
                (one, self._targets.lists.of(one))
                for one in self._targets.endpoints
                if one.name != LOCAL
            ],
            self._favourites(),
            recent,
            aliases,
            [one for one in services.local.list_models() if one.is_installed or is_local],
        )

    def _favourites(self) -> list[ModelName]:
        """The favourites of the settings and of private sessions; removed ones are not here."""
        saved = [self._listed(text) for text in self._services.settings.favourites]
        added = [name for name in self._toggled if name not in saved]
        return [*(name for name in saved if name not in self._toggled), *added]

    def _listed(self, text: str) -> ModelName:
        """The model of a favourite; without a provider it is one of the provider in use."""
        return self._targets.placed(self._services.settings.parse_model(text, self._targets.others))

    def toggle_favourite(self, name: ModelName, *, is_saved: bool) -> None:
        """Add a model to the favourites, or remove it; without `is_saved` for this run only.

        Raises ReplyscopeError when the settings cannot be changed.
        """
        is_on, old = name in self._favourites(), self._services.settings.favourites
        if is_saved:
            others = [text for text in old if self._listed(text) != name]
            new = others if is_on else [*others, str(name)]
            self._services.change_settings({("favourites",): new or None})
            self._toggled.pop(name, None)
        if (name in self._favourites()) == is_on:  # not saved: it is for this run
            if name in self._toggled:
                del self._toggled[name]
            else:
                self._toggled[name] = None
