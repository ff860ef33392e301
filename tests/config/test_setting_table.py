"""The table of settings: the parser, the template and the JSON schema say the same."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from replyscope.cli.main import main
from replyscope.config.archive_table import BackupSection, McpServerSection
from replyscope.config.hub import HubSection
from replyscope.config.setting import Section, settings_of
from replyscope.config.setting_table import (
    LimitsSection,
    NotificationsSection,
    ParametersSection,
    PresetSection,
    PriceSection,
    ProviderSection,
    RootSection,
    RuleSection,
    ServerSection,
)
from replyscope.config.settings import TEMPLATE, parse_settings
from replyscope.config.settings_schema import settings_schema
from replyscope.config.tool_table import AllowSection, DenySection, ToolsSection
from replyscope.domain.errors import SettingsError
from replyscope.provider.catalogue import load_catalogue

SCHEMA = settings_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FILE = Path("s.toml")
SECTIONS: dict[str, tuple[Section, str]] = {
    "root": (RootSection, ""),
    "notifications": (NotificationsSection, "[notifications]"),
    "tools": (ToolsSection, "[tools]"),
    "allow": (AllowSection, "[[tools.allow]]\ntool = 'a/b'"),
    "deny": (DenySection, "[[tools.deny]]\ntool = 'a/b'"),
    "rule": (RuleSection, "[[rule]]\nwhen = 'x'\ndo = 'flag'"),
    "provider": (ProviderSection, "[providers.a]\nbase_url = 'http://h/v1'"),
    "parameters": (
        ParametersSection,
        "[providers.a]\nbase_url = 'http://h/v1'\n[providers.a.parameters]",
    ),
    "preset": (PresetSection, "[presets.a]"),
    "price": (PriceSection, "[prices.a]\ninput = 1\noutput = 2"),
    "limits": (LimitsSection, "[limits]"),
    "backup": (BackupSection, "[backup]"),
    "mcp server": (McpServerSection, "[mcp_server]"),
    "hub": (HubSection, "[hub]"),
    "server": (ServerSection, "[mcp.a]\ncommand = 'x'"),
}
"""Every section, and the text before a key of it."""
VALUES = (
    "5", "-1", "1.5", "1e99", "nan", "true", "'x'", "''", "[]", "['a']", "[1]", "{}", "{ a = 'b' }",
    "{ a = 1 }", "[{}]", "'auto'", "'a/b'", "'http://h'", "'chat'", "99999999999999999999",
)  # fmt: skip


def faults(text: str) -> list[str]:
    """What the parser finds wrong: an error, or entries that are not used."""
    try:
        settings = parse_settings(text, FILE)
        return [*settings.rule_faults, *settings.entry_faults]
    except SettingsError as error:
        return [error.message]


def fits(text: str) -> bool:
    return bool(VALIDATOR.is_valid(tomllib.loads(text)))


def written(head: str, key: str, value: str) -> str:
    """A section with a key set, in place of the one that its head has."""
    lines = [line for line in head.splitlines() if not line.startswith(f"{key} = ")]
    return "\n".join([*lines, f"{key} = {value}"])


PLACES = [
    (name, setting.key)
    for name, (section, _) in SECTIONS.items()
    for setting in settings_of(section)
]


def test_every_section_is_in_the_test() -> None:
    def sections(section: Section) -> Iterator[Section]:
        yield section
        for setting in settings_of(section):
            if setting.type.section is not None:
                yield from sections(setting.type.section)

    assert set(sections(RootSection)) == {section for section, _ in SECTIONS.values()}


def test_the_schema_is_valid_and_takes_the_template() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(tomllib.loads(TEMPLATE))
    lines = [line.removeprefix("# ") for line in TEMPLATE.splitlines()[1:]]
    VALIDATOR.validate(tomllib.loads("\n".join(line for line in lines if line[:1] != "#")))


@pytest.mark.parametrize(("name", "key"), PLACES)
def test_a_setting_is_read_by_the_parser_and_described(name: str, key: str) -> None:
    section, head = SECTIONS[name]
    setting = next(one for one in settings_of(section) if one.key == key)
    assert setting.help
    assert not setting.help.endswith(".")
    if setting.example and not setting.header:
        assert not faults(written(head, key, setting.example)) or key in ("provider", "tool")
        assert fits(written(head, key, setting.example))
        assert f"# {key} = {setting.example}" in TEMPLATE


_OPEN = ("server", "parameters")
"""Sections whose other keys are checked elsewhere: by the catalogue of parameters, or not."""


@pytest.mark.parametrize("name", [name for name in SECTIONS if name not in _OPEN])
def test_an_unknown_key_is_rejected_with_the_keys_of_the_table(name: str) -> None:
    section, head = SECTIONS[name]
    text = f"{head}\nunknown_key = 1\n"
    (fault,) = faults(text)
    allowed = fault.partition("allowed: ")[2].rstrip(".").split(", ")
    assert set(allowed) == {setting.key for setting in settings_of(section)}
    assert not fits(text)


# What the schema can't say, or says for less: a query, a pattern, an address, a name.
_BEYOND_A_SCHEMA = {"when", "arguments", "tool", "base_url", "provider", "mcp", "providers"}
# A file of another program may have anything there; the value is then not used.
_NOT_READ = {"cwd", "disabled", "headers", "env", "url"}


@pytest.mark.parametrize(("name", "key"), PLACES)
def test_the_schema_accepts_what_the_parser_accepts(name: str, key: str) -> None:
    _, head = SECTIONS[name]
    for value in VALUES:
        text = written(head, key, value)
        is_read = not faults(text)
        if name == "server" and key in _NOT_READ:
            continue
        if value == "nan":
            assert not is_read or name == "server"  # JSON has no such number
        elif is_read or key not in _BEYOND_A_SCHEMA:
            assert fits(text) == is_read, f"{text}: {faults(text)}"


@pytest.mark.parametrize(
    "text",
    [
        "[providers.a]\nmodel = 'm'",
        "[providers.a]\nbase_url = 'http://h'\nkey_env = 'A'\nkey_command = ['b']",
        "[[rule]]\nwhen = 'x'\ndo = 'save'",
        "[[rule]]\nwhen = 'x'\ndo = 'run'",
        "[[rule]]\ndo = 'stop'",
        "[[tools.allow]]\narguments = { path = '*' }",
        "[mcp.a]\nargs = ['x']",
        "[mcp.a]\ncommand = 'x'\nurl = 'http://h'",
    ],
)
def test_what_is_missing_or_too_much_is_rejected_by_both(text: str) -> None:
    assert faults(text)
    assert not fits(text)


@pytest.mark.parametrize(
    "text",
    [
        "[[rule]]\nwhen = 'x'\ndo = 'save'\nfile = 'a.md'",
        "[mcp.a]\nurl = 'http://h'\nof_another_program = true",
        "[mcp.a]\nserverUrl = 'http://h'",
        "[providers.a]\nbase_url = 'http://h'\nkey_command = ['b']",
    ],
)
def test_what_is_right_is_accepted_by_both(text: str) -> None:
    assert faults(text) == []
    assert fits(text)


def test_the_command_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "schema"]) == 0
    printed: Any = json.loads(capsys.readouterr().out)
    assert printed == settings_schema(load_catalogue())
    assert printed["properties"]["tools"]["properties"]["rounds"] == {
        "description": "consecutive replies with tool calls before it asks to continue",
        "type": "integer",
        "minimum": 1,
        "maximum": 1000,
    }
    assert printed["properties"]["mcp"]["description"] == "tool servers, by name"


def test_the_schema_describes_every_parameter_of_the_catalogue() -> None:
    schema = settings_schema(load_catalogue())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    head = "[providers.a]\nbase_url = 'http://h/v1'\n[providers.a.parameters]\n"
    for line, is_valid in {
        'stop = ["END"]': True,
        "stop = 'END'": True,
        "stop = [1]": False,
        "service_tier = 'flex'": True,
        "service_tier = 'fastest'": False,
        "top_logprobs = 5": True,
        "top_logprobs = 50": False,
        "logit_bias = { '1' = 5 }": True,
        "temprature = 1": False,
        "temperature = 0.5": True,
        "extra = { top_k = 4 }": True,
    }.items():
        assert validator.is_valid(tomllib.loads(head + line)) == is_valid, line
    for head in ("[models.'q*']\n", "[presets.p.parameters]\n"):
        assert validator.is_valid(tomllib.loads(f"{head}stop = 'END'"))
        assert not validator.is_valid(tomllib.loads(f"{head}stp = 'END'"))
