"""Generates the JSON schema of the settings file, for editors that complete and check TOML."""

from replyscope.config.setting import JsonSchema, section_schema
from replyscope.config.setting_table import RootSection


def settings_schema() -> JsonSchema:
    """The JSON schema of the settings file, in the 2020-12 dialect."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "replyscope settings",
        **section_schema(RootSection),
    }
