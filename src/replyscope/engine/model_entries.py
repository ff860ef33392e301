"""The entries of the model picker, in order: favourites, recent models, aliases, other models."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace

from replyscope.domain.endpoint import Endpoint, ModelInfo
from replyscope.domain.local_models import LocalModel
from replyscope.domain.model_names import LOCAL, ModelName
from replyscope.domain.rates import Rates
from replyscope.domain.values import dataclass
from replyscope.engine.model_lists import ModelList

MOST_LISTED = 3_000
"""The models of one provider that have entries. More make each typed letter slow."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model of one provider. `info` and `rates` are None if they are not known; `alias` is the
    short name of an entry of the settings.
    """

    name: ModelName
    info: ModelInfo | None = None
    rates: Rates | None = None
    alias: str = ""
    is_favourite: bool = False

    @property
    def key(self) -> str:
        """A text that no other entry has."""
        return key_of(self.name, self.alias)


def key_of(name: ModelName, alias: str = "") -> str:
    """The key of an entry, which begins with the text that a person may type. The provider
    `a/b` with the model `c` is not `a` with `b/c`.
    """
    return "\0".join((*([alias] if alias else ()), str(name), name.provider or ""))


@dataclass(frozen=True, slots=True)
class KnownModels:
    """The sources of the entries. `favourites` and `recent` have their providers; the newest
    of `recent` is the first. The first endpoint is the one in use.
    """

    lists: Sequence[tuple[Endpoint, ModelList]]
    favourites: Sequence[ModelName] = ()
    recent: Sequence[ModelName] = ()
    aliases: Mapping[str, ModelName] = field(default_factory=dict)
    embedded: Sequence[LocalModel] = ()


def list_entries(known: KnownModels) -> list[ModelEntry]:
    """All entries. A model has one, besides its aliases."""
    listed = {entry.name: entry for entry in _listed(known)}
    providers = {endpoint.name for endpoint, _ in known.lists} | {LOCAL}
    first = [one for one in (*known.favourites, *known.recent) if one.provider in providers]
    favourites = set(known.favourites)
    ordered = [name for name in dict.fromkeys(first) if name in favourites]
    recent = [name for name in dict.fromkeys(first) if name not in favourites]
    rest = [name for name in listed if name not in favourites and name not in recent]

    def entry(name: ModelName) -> ModelEntry:
        return replace(listed.get(name, ModelEntry(name)), is_favourite=name in favourites)

    aliases = [
        replace(listed.get(name, ModelEntry(name)), alias=alias)
        for alias, name in known.aliases.items()
    ]
    return [*map(entry, (*ordered, *recent)), *aliases, *map(entry, rest)]


def _listed(known: KnownModels) -> Iterator[ModelEntry]:
    for endpoint, models in known.lists:
        for info in (models.models or ())[:MOST_LISTED]:
            name = ModelName(info.id, endpoint.name)
            yield ModelEntry(name, info, models.rates.get(info.id))
    for model in known.embedded:
        yield ModelEntry(ModelName(model.name, LOCAL))
