"""Applies presets to the settings of a session, and saves sessions as presets."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from replyscope.domain.errors import SettingsError
from replyscope.domain.preset import Preset, is_preset_name
from replyscope.domain.session import Schema, SessionSettings
from replyscope.domain.settings import Settings
from replyscope.domain.tool import SHIPPED
from replyscope.engine.conversation import Conversation
from replyscope.engine.parameter_layers import Layer, effective
from replyscope.engine.schemas import parse_schema, read_schema
from replyscope.engine.services import ChatServices
from replyscope.engine.targets import Targets

_LONGEST = 200


def find_preset(settings: Settings, name: str) -> Preset:
    """The preset with a name. Raises SettingsError with the names."""
    found = settings.preset(name)
    if found is None:
        names = ", ".join(one.name for one in settings.presets)
        advice = f"The presets are: {names}." if names else "/preset save NAME makes one."
        raise SettingsError(f"There is no preset {name}.", advice)
    return found


def with_preset(settings: SessionSettings, preset: Preset) -> SessionSettings:
    """The settings of a session with a preset. What the preset does not have stays.

    Raises SettingsError if the schema can't be read.
    """
    own = settings.parameters
    for name in (*preset.parameters.given(), *(preset.parameters.unset or ())):
        own = own.inheriting(name)
    return replace(
        settings,
        preset=preset.name,
        parameters=own,
        system=settings.system if preset.system is None else preset.system or None,
        tools=settings.tools if preset.tools is None else preset.tools,
        schema=settings.schema if preset.schema is None else _schema_of(preset, preset.schema),
    )


def _schema_of(preset: Preset, schema: str) -> Schema:
    if schema.lstrip().startswith("{"):
        source = f"of the preset {preset.name}"
        found = parse_schema(schema, source, preset.name)
    else:
        found = read_schema(Path(schema))
    return replace(found, name=preset.schema_name) if preset.schema_name else found


def make_preset(name: str, settings: SessionSettings, model: str | None, known: Settings) -> Preset:
    """The preset of a session: its model, and what it has of its own or from its preset.

    `model` is a text PROVIDER/MODEL or MODEL. Raises SettingsError for a name that can't be
    used.
    """
    if not is_preset_name(name):
        raise SettingsError(f"{name!r} can't be the name of a preset.", "Choose another one.")
    old = known.preset(settings.preset)
    below = [Layer(old.name, old.parameters)] if old is not None else []
    schema = settings.schema
    return Preset(
        name,
        model=model,
        system=settings.system,
        tools=settings.tools,
        schema=schema.text if schema is not None else None,
        schema_name=schema.name if schema is not None else None,
        parameters=effective((*below, Layer("session", settings.parameters))),
    )


def preset_of(name: str, conversation: Conversation, targets: Targets, known: Settings) -> Preset:
    """The preset that a session is saved as. Raises SettingsError for a private session, and
    for a name that can't be used.
    """
    if conversation.is_private:
        raise SettingsError("Private sessions cannot save presets.")
    model = targets.stored_name(conversation)
    return make_preset(name, conversation.session.settings, model, known)


def save_preset(preset: Preset, services: ChatServices) -> Preset:
    """Save a preset in the settings. Returns it as the settings have it. Raises SettingsError."""
    services.change_settings({("presets", preset.name): preset_table(preset)})
    saved = services.settings.preset(preset.name)
    if saved is None:
        raise SettingsError("The preset was not saved: this chat saves nothing.")
    return saved


def preset_table(preset: Preset) -> Mapping[str, Any]:
    """The entry of a preset in the settings file."""
    table = {
        "model": preset.model,
        "system": preset.system,
        "tools": list(preset.tools) if preset.tools is not None else None,
        "schema": preset.schema,
        "schema_name": preset.schema_name,
        "parameters": preset.parameters.given() or None,
        "not_sent": list(preset.parameters.unset or ()) or None,
    }
    return {key: value for key, value in table.items() if value is not None}


def describe_preset(preset: Preset) -> str:
    """The parts of a preset in one line."""
    parts = [preset.model or ""]
    parts += [f"{name} {value}" for name, value in preset.parameters.given().items()]
    parts += [f"{name} not sent" for name in preset.parameters.unset or ()]
    if preset.tools is not None:
        names = [name.removeprefix(f"{SHIPPED}/") for name in preset.tools]
        parts.append(f"tools: {', '.join(names) or 'none'}")
    parts.append("a schema" if preset.schema is not None else "")
    parts.append(preset.system or "")
    return " · ".join(filter(None, parts))[:_LONGEST]
