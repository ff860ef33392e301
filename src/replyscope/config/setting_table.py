"""The table of all settings of the settings file, section by section.

It gives the parser (`settings`, `look`, `tools`, `rules`), the commented template, the names
in error texts, and the JSON schema of `replyscope settings schema`. The sections about the
look, tools, the archive and the hub have modules of their own. To add a setting, add it to its
section and use it where the section is read. The order is that of the template.
"""

from typing import ClassVar

from replyscope.config.archive_table import BackupSection, McpServerSection
from replyscope.config.hub import HubSection
from replyscope.config.look import LookSection
from replyscope.config.setting import (
    JsonSchema,
    Setting,
    choice,
    flag,
    json_table,
    named_tables,
    number,
    pairs,
    table,
    tables,
    text,
    texts,
    texts_or_tables,
    whole,
)
from replyscope.config.tool_table import ToolsSection
from replyscope.domain import limits
from replyscope.domain.rule import Action
from replyscope.domain.think_tags import ThinkTags


class NotificationsSection:
    """`[notifications]`."""

    bell = Setting(flag(), "false", help="ring the terminal bell")
    desktop = Setting(flag(), "false", help="show a desktop notification")


class RuleSection:
    """`[[rule]]`."""

    rules: ClassVar[JsonSchema] = {
        "required": ["when", "do"],
        "allOf": [
            {
                "if": {"properties": {"do": {"const": action.value}}, "required": ["do"]},
                "then": {"required": [key], "properties": {key: {least: 1}}},
            }
            for action, key, least in (
                (Action.SAVE, "file", "minLength"),
                (Action.RUN, "command", "minItems"),
            )
        ],
    }
    when = Setting(
        text(minLength=1),
        '"finish:length"',
        "finish model tool tokens cost ttft text …, -term, or, ( )",
        help="the query that a reply must match",
    )
    do = Setting(
        choice(*(action.value for action in Action)),
        '"continue"',
        "retry (model = …) flag notify stop, save (file = …), run",
        help="the action for a matching reply",
    )
    max = Setting(
        whole(limits.RULE_TIMES),
        "2",
        "most runs in a turn; the default is 1",
    )
    model = Setting(text(), help="retry: the model to use")
    file = Setting(text(), help="save: the file")
    command = Setting(texts(), help="run: the command; the exchange is its input, as JSON")
    env = Setting(
        texts(),
        '["MY_TOKEN"]',
        "run: variables with keys for the command; none by default",
    )


class ServerSection:
    """`[mcp.NAME]`. Read by `config.mcp`, which also reads the files of other programs."""

    rules: ClassVar[JsonSchema] = {
        "additionalProperties": True,
        "oneOf": [
            {"required": ["command"]},
            {"anyOf": [{"required": ["url"]}, {"required": ["serverUrl"]}]},
        ],
    }
    command = Setting(
        text(),
        '"uvx"',
        "Claude Desktop, Cursor and VS Code write them",
        help="the program to start",
    )
    args = Setting(texts(), '["mcp-server-time"]', help="its arguments")
    env = Setting(pairs(), help="its environment; ${NAME} is expanded at start")
    cwd = Setting(text(), help="its working folder")
    url = Setting(text(pattern="^https?://"), help="the URL of a running server")
    headers = Setting(pairs(), help="HTTP headers for the URL")
    disabled = Setting(flag(), help="disable the server")


class ParametersSection:
    """`[providers.NAME.parameters]`. Other keys are parameters of the catalogue."""

    rules: ClassVar[JsonSchema] = {"additionalProperties": True}
    max_tokens = Setting(whole(limits.MAX_TOKENS), "2048", help="limit on output tokens")
    temperature = Setting(number(limits.TEMPERATURE), "0.7", help="randomness, 0 to 2")
    top_p = Setting(number(limits.TOP_P), "1.0", help="nucleus sampling, 0 to 1")
    seed = Setting(whole(limits.SEED), "7", help="for reproducible replies")
    reasoning_effort = Setting(text(), '"medium"', help="minimal, low, medium or high")
    verbosity = Setting(text(), '"low"', help="low, medium or high")
    n = Setting(whole(limits.CHOICES), "2", "choices per request")
    store = Setting(flag(), "false", "whether the server may store replies")
    background = Setting(flag(), "true", "Responses: the server continues when you leave")
    metadata = Setting(pairs(), '{ project = "demo" }', help="stored by the server with the reply")
    extra = Setting(
        json_table(),
        "{ top_k = 40 }",
        "any fields of the request; every other parameter has its own key",
        help="fields that are added to each request",
    )
    extra_headers = Setting(pairs(), '{ "X-Trace" = "demo" }', help="HTTP headers of each request")


class PriceSection:
    """`[prices.PATTERN]`, in US dollars per million tokens."""

    rules: ClassVar[JsonSchema] = {"required": ["input", "output"]}
    input = Setting(number(limits.PRICE), "1.25", help="input tokens")
    output = Setting(number(limits.PRICE), "10", help="output tokens")
    cached = Setting(
        number(limits.PRICE), "0.125", "input from the cache; the default is the price of input"
    )


class LimitsSection:
    """`[limits]`, in US dollars."""

    session = Setting(number(limits.BUDGET_USD), "1.00", "cost of a session")
    day = Setting(number(limits.BUDGET_USD), "5.00", "cost of a day, of all sessions")


class PresetSection:
    """`[presets.NAME]`."""

    model = Setting(text(), '"fast"', help="an alias, MODEL or PROVIDER/MODEL")
    system = Setting(text(), '"Answer in one sentence."', help="the system prompt")
    tools = Setting(texts(), '["current_time"]', help="tools and sources of the session")
    schema = Setting(
        text(),
        '"answer.json"',
        "a file in this folder, or the JSON schema itself",
        help="the JSON schema of the replies, or a file that has it",
    )
    schema_name = Setting(text(), help="the name of the schema in requests")
    parameters = Setting(table(ParametersSection), help="parameters of each request")
    not_sent = Setting(texts(), help="parameters that are not sent")


_KEY_SOURCES = ("key_env", "key_keyring", "key_command")


class ProviderSection:
    """`[providers.NAME]`."""

    rules: ClassVar[JsonSchema] = {
        "required": ["base_url"],
        "not": {
            "anyOf": [
                {"required": [first, second]}
                for number, first in enumerate(_KEY_SOURCES)
                for second in _KEY_SOURCES[number + 1 :]
            ]
        },
    }
    base_url = Setting(
        text(), '"https://api.openai.com/v1"', help="the URL of an OpenAI-compatible server"
    )
    key_env = Setting(
        text(),
        '"OPENAI_API_KEY"',
        'or key_keyring = "openai", or key_command = ["pass", "openai"]',
        help="the environment variable that holds the key",
    )
    key_keyring = Setting(text(), help="the entry of the system's keyring that holds the key")
    key_command = Setting(texts(least=1), help="the command that prints the key")
    model = Setting(text(), '"gpt-6-sol"', help="the model to ask")
    headers = Setting(pairs(), '{ "X-Title" = "replyscope" }', help="headers of each request")
    organization = Setting(text(), '"org-…"', help="the OpenAI-Organization header")
    project = Setting(text(), '"proj_…"', help="the OpenAI-Project header")
    proxy = Setting(
        text(),
        '"http://127.0.0.1:3128"',
        "or https, socks5, socks5h; default: the environment's",
        help="the proxy: http, https, socks5 or socks5h; default: the environment's",
    )
    ca_bundle = Setting(text(), '"/etc/ssl/private-ca.pem"', help="a file of trusted certificates")
    azure_api_version = Setting(text(), '"2026-05-01"', "makes base_url an Azure endpoint")
    api = Setting(
        choice("chat", "responses"),
        '"responses"',
        'or "chat"; Responses is the default for OpenAI\'s own hosts only',
        help="the wire API; responses is the default for OpenAI's own hosts only",
    )
    timeout_s = Setting(
        number(limits.TIMEOUT_S),
        "600",
        "time without data before the request fails, in seconds",
    )
    think_tags = Setting(
        choice(*(tags.value for tags in ThinkTags)),
        '"auto"',
        "reasoning tags in the text: auto, on (open at the start), off",
    )
    max_retries = Setting(
        whole(limits.RETRIES), "2", "retries of requests that fail before any data arrives"
    )
    parameters = Setting(
        table(ParametersSection),
        help="parameters of each request",
        header="[providers.openai.parameters]",
    )


class RootSection:
    """The settings file."""

    provider = Setting(text(), '"openai"', "the provider to start with, from the list below")
    local_model = Setting(
        text(), '"qwen2.5-coder-1.5b"', 'the embedded model of provider = "local"'
    )
    favourites = Setting(
        texts(), '["openai/gpt-6-mini"]', "models that the picker (F2) lists first"
    )
    title_model = Setting(
        text(),
        '"session"',
        'writes a title after the first reply: a model, or\n"session" for the model of the session',
    )
    theme = LookSection.theme
    ascii_only = LookSection.ascii_only
    linear = LookSection.linear
    motion = LookSection.motion
    breaks = LookSection.breaks
    editing = LookSection.editing
    redact = Setting(
        texts(),
        '["ACME-[0-9]+"]',
        "regular expressions to redact in exports; keys, e-mail\n"
        "addresses and home folders are always redacted",
        starts_block=True,
    )
    notifications = Setting(
        table(NotificationsSection),
        "",
        "when a reply ends while the terminal is not focused",
        header="[notifications]",
    )
    keys = LookSection.keys
    tools = Setting(
        table(ToolsSection),
        "",
        "tools for models; nothing runs without your consent",
        header="[tools]",
    )
    rule = Setting(
        tables(RuleSection),
        "",
        "an action for replies that match a query",
        header="[[rule]]",
    )
    queries = Setting(
        pairs(),
        '"Long and dear" = "tokens:>20k cost:>0.10"',
        "saved queries of the review screen (F3)",
        header="[queries]",
    )
    models = Setting(
        texts_or_tables(ParametersSection),
        'fast = "openai/gpt-6-mini"\n"qwen*" = { temperature = 0.2 }',
        "short names of models; parameters by pattern",
        header="[models]",
    )
    presets = Setting(
        named_tables(PresetSection),
        "",
        "what /preset and ask --preset set together; it can\nhave [presets.short.parameters] too",
        header="[presets.short]",
    )
    prices = Setting(
        named_tables(PriceSection),
        "",
        "your prices, in dollars per million tokens; they are\nused before those of the price list",
        header='[prices."work/gpt-6*"]',
    )
    limits = Setting(
        table(LimitsSection),
        "",
        "spending limits in dollars: it asks before a request\nthat would pass one",
        header="[limits]",
    )
    backup = Setting(
        table(BackupSection),
        "",
        "a copy of all sessions, once a day",
        header="[backup]",
    )
    mcp_server = Setting(
        table(McpServerSection),
        "",
        "`replyscope mcp`, which lets programs read the archive",
        header="[mcp_server]",
    )
    hub = Setting(
        table(HubSection),
        "",
        "one archive on all your machines; nothing leaves before\n`replyscope hub init`",
        header="[hub]",
    )
    mcp = Setting(
        named_tables(ServerSection),
        "",
        "a tool server; mcp.json in this folder can hold entries as",
        help="tool servers, by name",
        header="[mcp.time]",
    )
    providers = Setting(
        named_tables(ProviderSection),
        help="servers and how to reach them, by name",
        header="[providers.openai]",
    )
