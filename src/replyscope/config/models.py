"""Reads `[models]`: aliases, and parameters by pattern. An invalid entry is skipped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from replyscope.config.checks import Table
from replyscope.config.setting import settings_of
from replyscope.config.setting_table import ParametersSection
from replyscope.domain.errors import ParameterFault, SettingsError
from replyscope.domain.glob import glob_of
from replyscope.domain.model_names import ModelDefaults
from replyscope.domain.session import Parameters

CheckParameter = Callable[[str, str, Any], None]
"""Checks the value of a parameter: the table that has it, as in `providers.work`, its name and
its value. Raises ParameterFault.
"""


@dataclass(frozen=True, slots=True)
class Models:
    """The entries of `[models]`, and a sentence about each entry that is not used."""

    aliases: Mapping[str, str]
    defaults: tuple[ModelDefaults, ...]
    faults: tuple[str, ...]


def read_models(table: Table, check: CheckParameter, strict_for: str | None) -> Models:
    """The aliases and the parameters by pattern.

    Raises SettingsError for an invalid entry whose pattern matches the model `strict_for`.
    """
    aliases: dict[str, str] = {}
    defaults, faults = [], []
    for name in table.names():
        try:
            if table.is_table(name):
                defaults.append(_read_defaults(name, table, check))
            else:
                aliases[name] = _read_alias(name, table)
        except SettingsError as error:
            if strict_for is not None and _is_pattern_of(name, strict_for):
                raise
            faults.append(f"The models entry {name} is not used: {error.message}")
    return Models(aliases, tuple(defaults), tuple(faults))


def _read_alias(name: str, table: Table) -> str:
    if not table.is_text(name):
        raise table.reject(
            name, 'must be a model, as in "openai/gpt-6-mini", or a table of parameters'
        )
    value = table.text(name)
    if not value or not value.strip():
        raise table.reject(name, "is empty; it must be MODEL or PROVIDER/MODEL")
    return value.strip()


def _read_defaults(name: str, table: Table, check: CheckParameter) -> ModelDefaults:
    try:
        glob_of(name.lower(), crosses=True)
    except ValueError as error:
        raise table.reject(name, f"is an invalid pattern: {error}") from error
    return ModelDefaults(name, read_parameters(table.table(name), f"models.{name}", check))


def _is_pattern_of(name: str, model: str) -> bool:
    try:
        return glob_of(name.lower(), crosses=True).matches(model.lower())
    except ValueError:
        return False


def read_parameters(table: Table, place: str, check: CheckParameter) -> Parameters:
    """The parameters of a table; `place` is its name for the check. Raises SettingsError."""
    values = {setting.key: setting.read(table) for setting in settings_of(ParametersSection)}
    others = table.rest()
    for name, value in others.items():
        table.check_json(name, value)
    for name, value in {**others, **values}.items():
        try:
            if name in others or (name in ("extra", "extra_headers") and value):
                check(place, name, value)
        except ParameterFault as fault:
            raise table.reject(name, fault.why) from fault
    return Parameters().changed(values | others)
