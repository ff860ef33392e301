"""Reads the settings file, and edits single keys while keeping comments and order."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replyscope.config.archive_table import BackupSection, McpServerSection
from replyscope.config.checks import Table
from replyscope.config.entries import CheckParameter, Entries
from replyscope.config.hub import parse_hub
from replyscope.config.look import parse_look
from replyscope.config.replacing import replace_file
from replyscope.config.rules import read_rules
from replyscope.config.setting_table import (
    LimitsSection,
    NotificationsSection,
    ProviderSection,
    RootSection,
)
from replyscope.config.template import render_template
from replyscope.config.toml_place import read_toml
from replyscope.config.tools import read_tools
from replyscope.domain.address import AddressError, BaseUrl, read_base_url
from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind, default_api
from replyscope.domain.errors import SettingsError
from replyscope.domain.exchange import Api
from replyscope.domain.model_names import LOCAL
from replyscope.domain.regular_file import read_text
from replyscope.domain.settings import BackupSettings, Layers, Settings
from replyscope.domain.spending import SpendingLimits
from replyscope.domain.system_words import system_words
from replyscope.domain.think_tags import ThinkTags

if TYPE_CHECKING:  # loaded with the catalogue: the start does not need it
    from replyscope.domain.parameter import Catalogue

TEMPLATE = render_template()


def accept_any(_place: str, _name: str, _value: Any) -> None:
    """Accept each parameter: the catalogue of parameters loads with the SDK, after the start."""


def read_settings(
    path: Path,
    check: CheckParameter = accept_any,
    is_strict: Callable[[str], bool] = lambda _place: False,
) -> Settings:
    """The settings of a file; the defaults if it does not exist. Raises SettingsError.

    `check` checks the parameters of the catalogue. An invalid entry of [models] or [presets] is
    an error only if `is_strict` is true for it, as in `presets.short`.
    """
    try:
        text = read_text(path)
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} can't be read ({system_words(error)}).", "Check the file."
        ) from error
    return parse_settings(text, path, check, is_strict)


def check_parameters(path: Path, catalogue: "Catalogue", endpoint: Endpoint) -> None:
    """Check the parameters of one provider in a settings file. Raises SettingsError."""

    def check(place: str, name: str, value: Any) -> None:
        if place == f"providers.{endpoint.name}":
            catalogue.check(name, value)

    read_settings(path, check)


def check_layers(path: Path, catalogue: "Catalogue", settings: Settings, layers: Layers) -> None:
    """Check the parameters that [models] and [presets] have for a request.

    Raises SettingsError.
    """
    patterns = [one.pattern for one in settings.model_defaults if one.matches(layers.model)]
    used = {*(f"models.{one}" for one in patterns), f"presets.{layers.preset}"}

    def check(place: str, name: str, value: Any) -> None:
        if place in used:
            catalogue.check(name, value)

    read_settings(path, check, used.__contains__)


def parse_settings(
    text: str,
    path: Path,
    check: CheckParameter = accept_any,
    is_strict: Callable[[str], bool] = lambda _place: False,
) -> Settings:
    """Parse settings. Raises SettingsError that names file, line and key."""
    try:
        values = read_toml(text)
    except ValueError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", "Correct the file.") from error
    root = Table(values, path, text)
    entries = Entries(check, is_strict)
    settings = _with_entries(_read_root(root), root, entries)
    providers = RootSection.providers.read(root)
    if LOCAL in providers.names():
        raise providers.reject(LOCAL, "is the name of the embedded models; choose another one")
    endpoints = tuple(_read_endpoint(n, providers.table(n), entries) for n in providers.names())
    provider = settings.provider
    # `openai` needs no entry: it may be the provider of OPENAI_API_KEY.
    if provider is not None and provider not in {LOCAL, "openai", *(e.name for e in endpoints)}:
        names = ", ".join(e.name for e in endpoints) or "none are set"
        raise root.reject("provider", f"is {provider!r}; the providers are: {names}")
    variables = tuple(
        e.key_source.value for e in endpoints if e.key_source.kind is KeySourceKind.ENVIRONMENT
    )
    root.finish()
    tools = replace(settings.tools, key_variables=variables)
    return replace(settings, endpoints=endpoints, tools=tools)


def _read_root(root: Table) -> Settings:
    """The settings without the tables of named entries."""
    provider = RootSection.provider.read(root)
    local_model = RootSection.local_model.read(root)
    look = parse_look(root)
    notifications = RootSection.notifications.read(root)
    bell = NotificationsSection.bell.read(notifications)
    desktop = NotificationsSection.desktop.read(notifications)
    notifications.finish()
    spending = RootSection.limits.read(root)
    session_usd = LimitsSection.session.read(spending)
    day_usd = LimitsSection.day.read(spending)
    spending.finish()
    backup = RootSection.backup.read(root)
    keep, folder = BackupSection.keep.read(backup), BackupSection.folder.read(backup)
    backup.finish()
    mcp_server = RootSection.mcp_server.read(root)
    mcp_share = McpServerSection.share.read(mcp_server)
    mcp_server.finish()
    rules, rule_faults = read_rules(RootSection.rule.read(root))
    return Settings(
        queries=tuple(RootSection.queries.read(root).items()),
        redact=RootSection.redact.read(root) or (),
        provider=provider,
        local_model=local_model,
        look=look,
        bell=bell or False,
        desktop_notification=desktop or False,
        tools=read_tools(RootSection.tools.read(root), RootSection.mcp.read(root)),
        rules=rules,
        rule_faults=rule_faults,
        favourites=RootSection.favourites.read(root) or (),
        limits=SpendingLimits(session_usd, day_usd),
        title_model=RootSection.title_model.read(root),
        backup=BackupSettings(keep or 0, folder),
        mcp_share=mcp_share,
        hub=parse_hub(RootSection.hub.read(root)),
    )


def _with_entries(settings: Settings, root: Table, entries: Entries) -> Settings:
    """The settings with models, prices and presets."""
    aliases, defaults = entries.models(RootSection.models.read(root))
    prices = entries.prices(RootSection.prices.read(root))
    presets = entries.presets(RootSection.presets.read(root))
    return replace(
        settings,
        aliases=aliases,
        model_defaults=defaults,
        presets=presets,
        prices=prices,
        entry_faults=tuple(entries.faults),
    )


def _read_endpoint(name: str, table: Table, entries: Entries) -> Endpoint:
    entry = ProviderSection
    azure_api_version = entry.azure_api_version.read(table)
    address = _read_address(table, is_azure=azure_api_version is not None)
    retries = entry.max_retries.read(table)
    endpoint = Endpoint(
        name=name,
        base_url=address.base_url,
        api=Api(entry.api.read(table) or default_api(address.base_url)),
        key_source=_read_key_source(table),
        model=entry.model.read(table) or address.model,
        headers=tuple(entry.headers.read(table).items()),
        organization=entry.organization.read(table),
        project=entry.project.read(table),
        proxy=entry.proxy.read(table),
        ca_bundle=entry.ca_bundle.read(table),
        azure_api_version=azure_api_version or address.azure_api_version,
        timeout_s=entry.timeout_s.read(table) or 600.0,
        max_retries=2 if retries is None else retries,
        parameters=entries.parameters(entry.parameters.read(table), f"providers.{name}"),
        think_tags=ThinkTags(entry.think_tags.read(table) or ThinkTags.AUTO),
    )
    table.finish()
    return endpoint


def _read_address(table: Table, *, is_azure: bool) -> BaseUrl:
    base_url = ProviderSection.base_url.read(table)
    if base_url is None:
        raise table.reject("base_url", "is missing")
    try:
        return read_base_url(base_url, is_azure=is_azure)
    except AddressError as error:
        raise table.reject("base_url", f"is {error.shown!r}; it {error.why}") from error


def _read_key_source(table: Table) -> KeySource:
    variable = ProviderSection.key_env.read(table)
    entry = ProviderSection.key_keyring.read(table)
    command = ProviderSection.key_command.read(table)
    given = [source for source in (variable, entry, command) if source is not None]
    if len(given) > 1:
        raise table.reject("key_env", "is one of several key sources; keep one")
    if command is not None:
        if not command:
            raise table.reject("key_command", "is empty")
        return KeySource(KeySourceKind.COMMAND, command=command)
    if entry is not None:
        return KeySource(KeySourceKind.KEYRING, entry)
    if variable is not None:
        return KeySource(KeySourceKind.ENVIRONMENT, variable)
    return KeySource(KeySourceKind.NONE)


def change_settings(path: Path, changes: Mapping[tuple[str, ...], Any]) -> None:
    """Set keys by dotted path, keeping comments and order; None removes a key.

    If it raises SettingsError, the file is unchanged.
    """
    import tomlkit  # only when something is changed

    try:
        text = read_text(path) if path.exists() else TEMPLATE
        for keys, value in changes.items():
            text = _in_place(text, keys, value, tomlkit.item)
        document = tomlkit.parse(text)
        for keys, value in changes.items():
            _set(document, keys, value, tomlkit.table)
        changed = tomlkit.dumps(document)
        parse_settings(changed, path)
        replace_file(path, changed)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise SettingsError(
            f"{path} can't be changed ({system_words(error)}).", "Correct the file."
        ) from error


def _in_place(text: str, keys: tuple[str, ...], value: Any, item: Callable[[Any], Any]) -> str:
    """Set a root key in the line of its comment.

    At the end of the file it would become part of a table as soon as that table's header
    is uncommented.
    """
    if len(keys) > 1 or value is None or re.search(rf"(?m)^{re.escape(keys[0])}\s*=", text):
        return text
    line = f"{keys[0]} = {item(value).as_string()}"
    return re.sub(rf"(?m)^# {re.escape(keys[0])} = .*$", lambda _: line, text, count=1)


def _set(document: Any, keys: tuple[str, ...], value: Any, new_table: Callable[..., Any]) -> None:
    table = document
    for key in keys[:-1]:
        if key not in table:
            table[key] = new_table(is_super_table=key in ("providers", "presets"))
        table = table[key]
    if value is None:
        table.pop(keys[-1], None)
    else:
        table[keys[-1]] = value
