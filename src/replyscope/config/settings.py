"""Reads the settings file, and changes single lines of it without losing a comment."""

import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from replyscope.config.checks import Table
from replyscope.config.look import parse_look
from replyscope.config.paths import make_private
from replyscope.config.rules import read_rules
from replyscope.config.toml_place import read_toml
from replyscope.config.tools import read_tools
from replyscope.domain import limits
from replyscope.domain.address import Address, AddressError, read_base_url
from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind, default_api
from replyscope.domain.errors import SettingsError
from replyscope.domain.exchange import Api
from replyscope.domain.regular_file import read_text
from replyscope.domain.session import Parameters
from replyscope.domain.settings import Settings
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.unicode_text import REPLACE

TEMPLATE = """\
# replyscope settings. Every line may be left out; what you see are the defaults.

# provider = "openai"           # the provider to start with, one of those below
# local_model = "qwen2.5-coder-1.5b"   # with provider = "local": which embedded model
# theme = "midnight"            # replyscope themes are listed by Ctrl+T in the app
# ascii_only = false            # draw without box and symbol characters

# redact = ["ACME-[0-9]+"]      # regular expressions: taken out of exports, beside keys,
#                               # e-mail addresses and home folders

# [notifications]               # when a reply ends while the terminal is not focused
# bell = false
# desktop = false

# [keys]                        # other keys for an action: its id, then the keys
# "chat.send" = "enter"         # F1 in the app lists all ids

# [tools]                       # what models may call; nothing runs without your word
# enabled = ["current_time", "calculate", "mcp:git"]   # tools and sources for new sessions
# rounds = 10                   # replies with tools in a row before you are asked to go on
# timeout_s = 60                # the longest a call may take
# max_output = 50000            # characters of a result that the model gets
# budget_tokens = 100000        # a turn that used as many asks before it goes on
# budget_usd = 0.50
# http_hosts = ["example.org"]  # whom http_get may ask
# processes = 8                 # tools that run as processes at once; more calls wait
# environment = ["MY_TOKEN"]    # variables that your own tool files get besides PATH, HOME …

# [[tools.allow]]               # run without asking; a pattern for every argument
# tool = "shipped/read_file"
# arguments = { path = "docs/*" }

# [[tools.deny]]                # never run, whoever says yes
# tool = "mcp:github/*"

# [[rule]]                      # what to do when a reply turned out to be something
# when = "finish:length"        # finish model tool tokens cost ttft text …, -term, or, ( )
# do = "continue"               # retry (model = …) flag notify stop, save (file = …), run
# max = 2                       # times in a turn; 1 unless set
# env = ["MY_TOKEN"]            # run: variables with keys that the command gets; none unless set

# [queries]                     # folders of the review screen (F3)
# "Long and dear" = "tokens:>20k cost:>0.10"

# [mcp.time]                    # a tool server; mcp.json beside this file takes entries as
# command = "uvx"               # Claude Desktop, Cursor and VS Code write them
# args = ["mcp-server-time"]

# [providers.openai]
# base_url = "https://api.openai.com/v1"
# key_env = "OPENAI_API_KEY"    # or key_keyring = "openai", or key_command = ["pass", "openai"]
# model = "gpt-6-sol"
# headers = { "X-Title" = "replyscope" }
# organization = "org-…"
# project = "proj_…"
# proxy = "http://127.0.0.1:3128"   # or https, socks5, socks5h; else the environment's
# ca_bundle = "/etc/ssl/private-ca.pem"
# azure_api_version = "2026-05-01"   # makes base_url an Azure endpoint
# api = "responses"             # or "chat"; Responses is the default for OpenAI's own hosts only
# timeout_s = 600               # the longest silence that is waited for
# think_tags = "auto"           # reasoning in the text: auto, on (it begins inside), off
# max_retries = 2               # tries after the first that fail before anything came

# [providers.openai.parameters]
# max_tokens = 2048
# temperature = 0.7
# top_p = 1.0
# seed = 7
# reasoning_effort = "medium"
# verbosity = "low"
# n = 2                         # answers to choose among
# store = false                 # ask the server not to keep replies
# background = true             # Responses: the server goes on when you leave
# metadata = { project = "demo" }
"""


def read_settings(path: Path) -> Settings:
    """The settings of a file; the defaults when there is none. Raises SettingsError."""
    try:
        text = read_text(path)
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read ({error}).", "Check the file.") from error
    return parse_settings(text, path)


def parse_settings(text: str, path: Path) -> Settings:
    """The settings that a text says. Raises SettingsError naming file, line and key."""
    try:
        values = read_toml(text)
    except ValueError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", "Mend the file.") from error
    root = Table(values, path, text)
    provider = root.text("provider")
    local_model = root.text("local_model")
    look = parse_look(root)
    notifications = root.table("notifications")
    bell, desktop = notifications.flag("bell"), notifications.flag("desktop")
    notifications.finish()
    tools = read_tools(root.table("tools"), root.table("mcp"))
    rules, rule_faults = read_rules(root)
    providers = root.table("providers")
    endpoints = tuple(_read_endpoint(name, providers.table(name)) for name in providers.names())
    if provider is not None and provider not in {"local", *(e.name for e in endpoints)}:
        names = ", ".join(e.name for e in endpoints) or "none are set"
        raise root.reject("provider", f"is {provider!r}; the providers are: {names}")
    variables = tuple(
        e.key_source.value for e in endpoints if e.key_source.kind is KeySourceKind.ENVIRONMENT
    )
    queries = tuple(root.pairs("queries").items())
    redact = root.texts("redact") or ()
    root.finish()
    return Settings(
        queries=queries,
        redact=redact,
        endpoints=endpoints,
        provider=provider,
        local_model=local_model,
        look=look,
        bell=bell or False,
        desktop_notification=desktop or False,
        tools=replace(tools, key_variables=variables),
        rules=rules,
        rule_faults=rule_faults,
    )


def _read_endpoint(name: str, table: Table) -> Endpoint:
    azure_api_version = table.text("azure_api_version")
    address = _read_address(table, is_azure=azure_api_version is not None)
    retries = table.whole("max_retries", limits.RETRIES)
    endpoint = Endpoint(
        name=name,
        base_url=address.base_url,
        api=Api(table.one_of("api", ("chat", "responses")) or default_api(address.base_url)),
        key_source=_read_key_source(table),
        model=table.text("model") or address.model,
        headers=tuple(table.pairs("headers").items()),
        organization=table.text("organization"),
        project=table.text("project"),
        proxy=table.text("proxy"),
        ca_bundle=table.text("ca_bundle"),
        azure_api_version=azure_api_version or address.azure_api_version,
        timeout_s=table.number("timeout_s", limits.TIMEOUT_S) or 600.0,
        max_retries=2 if retries is None else retries,
        parameters=_read_parameters(table.table("parameters")),
        think_tags=ThinkTags(table.one_of("think_tags", tuple(ThinkTags)) or ThinkTags.AUTO),
    )
    table.finish()
    return endpoint


def _read_address(table: Table, *, is_azure: bool) -> Address:
    base_url = table.text("base_url")
    if base_url is None:
        raise table.reject("base_url", "is missing")
    try:
        return read_base_url(base_url, is_azure=is_azure)
    except AddressError as error:
        raise table.reject("base_url", f"is {error.shown!r}; it {error.why}") from error


def _read_key_source(table: Table) -> KeySource:
    variable = table.text("key_env")
    entry = table.text("key_keyring")
    command = table.texts("key_command")
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


def _read_parameters(table: Table) -> Parameters:
    parameters = Parameters(
        max_tokens=table.whole("max_tokens", limits.MAX_TOKENS),
        temperature=table.number("temperature", limits.TEMPERATURE),
        top_p=table.number("top_p", limits.TOP_P),
        seed=table.whole("seed", limits.SEED),
        reasoning_effort=table.text("reasoning_effort"),
        verbosity=table.text("verbosity"),
        n=table.whole("n", limits.CHOICES),
        store=table.flag("store"),
        background=table.flag("background"),
        metadata=tuple(table.pairs("metadata").items()) or None,
    )
    table.finish()
    return parameters


def change_settings(path: Path, changes: Mapping[tuple[str, ...], Any]) -> None:
    """Set keys by dotted path, keeping comments and order; None removes a key.

    Raises SettingsError, and then changes nothing.
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
        _replace(path, changed)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise SettingsError(f"{path} can't be changed ({error}).", "Mend the file.") from error


def _in_place(text: str, keys: tuple[str, ...], value: Any, item: Callable[[Any], Any]) -> str:
    """A root key where its own comment stands: below the commented tables, uncommenting
    one of those would swallow it.
    """
    if len(keys) > 1 or value is None or re.search(rf"(?m)^{re.escape(keys[0])}\s*=", text):
        return text
    line = f"{keys[0]} = {item(value).as_string()}"
    return re.sub(rf"(?m)^# {re.escape(keys[0])} = .*$", lambda _: line, text, count=1)


def _set(document: Any, keys: tuple[str, ...], value: Any, new_table: Callable[..., Any]) -> None:
    table = document
    for key in keys[:-1]:
        if key not in table:
            table[key] = new_table(is_super_table=key == "providers")
        table = table[key]
    if value is None:
        table.pop(keys[-1], None)
    else:
        table[keys[-1]] = value


def _replace(path: Path, text: str) -> None:
    make_private(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".settings-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=REPLACE) as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
