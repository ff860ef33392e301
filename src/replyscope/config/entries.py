"""Reads tables of named entries: [models], [presets] and [prices]. An invalid entry is skipped."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from replyscope.config.checks import Table
from replyscope.config.setting import settings_of
from replyscope.config.setting_table import ParametersSection, PresetSection, PriceSection
from replyscope.domain.errors import ParameterFault, SettingsError
from replyscope.domain.glob import glob_of
from replyscope.domain.model_names import ModelDefaults
from replyscope.domain.preset import Preset, is_preset_name
from replyscope.domain.rates import OwnRates, Rates
from replyscope.domain.session import Parameters

Entry = TypeVar("Entry")
CheckParameter = Callable[[str, str, Any], None]
"""Checks the value of a parameter: the entry that has it, as in `providers.work`, its name and
its value. Raises ParameterFault.
"""


class Entries:
    """A reader of entries. `faults` has a sentence about each entry that is not used.

    An invalid entry for which `is_strict` is true, as in `models.qwen*`, raises SettingsError.
    """

    def __init__(self, check: CheckParameter, is_strict: Callable[[str], bool]) -> None:
        self._check = check
        self._is_strict = is_strict
        self.faults: list[str] = []

    def _each(
        self, table: Table, section: str, read: Callable[[str, Table], Entry]
    ) -> dict[str, Entry]:
        found = {}
        for name in table.names():
            place = f"{section}.{name}"
            try:
                found[name] = read(name, table)
            except SettingsError as error:
                if self._is_strict(place):
                    raise
                self.faults.append(f"The entry {place} is not used: {error.message}")
        return found

    def models(self, table: Table) -> tuple[dict[str, str], tuple[ModelDefaults, ...]]:
        """The aliases, and the parameters by pattern."""
        found = self._each(table, "models", self._read_model)
        aliases = {name: one for name, one in found.items() if isinstance(one, str)}
        return aliases, tuple(one for one in found.values() if isinstance(one, ModelDefaults))

    def presets(self, table: Table) -> tuple[Preset, ...]:
        """The presets."""
        return tuple(self._each(table, "presets", self._read_preset).values())

    def prices(self, table: Table) -> tuple[OwnRates, ...]:
        """The person's own prices."""
        return tuple(self._each(table, "prices", _read_price).values())

    def _read_model(self, name: str, table: Table) -> str | ModelDefaults:
        if table.is_text(name):
            value = table.text(name)
            if not value or not value.strip():
                raise table.reject(name, "is empty; it must be MODEL or PROVIDER/MODEL")
            return value.strip()
        if not table.is_table(name):
            raise table.reject(
                name, 'must be a model, as in "openai/gpt-6-mini", or a table of parameters'
            )
        check_pattern(name, table)
        return ModelDefaults(name, self.parameters(table.table(name), f"models.{name}"))

    def _read_preset(self, name: str, outer: Table) -> Preset:
        if not is_preset_name(name):
            raise outer.reject(name, "can't be the name of a preset; choose another one")
        table, entry = outer.table(name), PresetSection
        preset = Preset(
            name,
            model=entry.model.read(table),
            system=entry.system.read(table),
            tools=entry.tools.read(table),
            schema=placed_schema(entry.schema.read(table), table),
            schema_name=entry.schema_name.read(table),
            parameters=self._preset_parameters(name, table),
        )
        table.finish()
        return preset

    def _preset_parameters(self, name: str, table: Table) -> Parameters:
        entry = PresetSection
        given = self.parameters(entry.parameters.read(table), f"presets.{name}")
        return replace(given, unset=entry.not_sent.read(table) or None)

    def parameters(self, table: Table, place: str) -> Parameters:
        """The parameters of a table; `place` is its entry. Raises SettingsError."""
        values = {setting.key: setting.read(table) for setting in settings_of(ParametersSection)}
        others = table.rest()
        for name, value in others.items():
            table.check_json(name, value)
        for name, value in {**others, **values}.items():
            try:
                if name in others or (name in ("extra", "extra_headers") and value):
                    self._check(place, name, value)
            except ParameterFault as fault:
                raise table.reject(name, fault.why) from fault
        return Parameters().changed(values | others)


def _read_price(name: str, outer: Table) -> OwnRates:
    check_pattern(name, outer)
    table = outer.table(name)
    read = {setting.key: setting.read(table) for setting in settings_of(PriceSection)}
    table.finish()
    for key in ("input", "output"):
        if read[key] is None:
            raise table.reject(key, "is missing: the price of a million tokens, in US dollars")
    return OwnRates(name, Rates(read["input"], read["output"], read["cached"]))


def placed_schema(schema: str | None, table: Table) -> str | None:
    """A JSON schema, or the path of its file, which may be relative to the settings."""
    is_file = schema is not None and not schema.lstrip().startswith("{")
    return str(table.folder / schema) if is_file and schema else schema


def check_pattern(name: str, table: Table) -> None:
    """Raise SettingsError unless the key of an entry is a pattern."""
    try:
        glob_of(name.lower(), crosses=True)
    except ValueError as error:
        raise table.reject(name, f"is an invalid pattern: {error}") from error
