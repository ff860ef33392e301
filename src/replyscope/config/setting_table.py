"""The table of all settings of the settings file, section by section.

It gives the parser (`settings`, `look`, `tools`, `rules`), the commented template, the names
in error texts, and the JSON schema of `replyscope settings schema`. To add a setting, add it
here and use it where its section is read. The order is that of the template.
"""

from typing import ClassVar

from replyscope.config.look import LookSection
from replyscope.config.setting import (
    ChoiceType,
    FlagType,
    JsonSchema,
    NamedTablesType,
    NumberType,
    PairsType,
    Setting,
    TablesType,
    TableType,
    TextsType,
    TextType,
    WholeType,
)
from replyscope.domain import limits
from replyscope.domain.rule import Action
from replyscope.domain.think_tags import ThinkTags


class NotificationsSection:
    """`[notifications]`."""

    bell = Setting(FlagType(), "false", help="ring the terminal bell")
    desktop = Setting(FlagType(), "false", help="show a desktop notification")


_TOOL = TextType((("pattern", "/"),))
_TOOL_HELP = "SOURCE/NAME, such as shipped/read_file; * matches anything"
_ARGUMENTS_HELP = "patterns of arguments, by name"


class AllowSection:
    """`[[tools.allow]]`."""

    rules: ClassVar[JsonSchema] = {"required": ["tool"]}
    tool = Setting(_TOOL, '"shipped/read_file"', help=_TOOL_HELP)
    arguments = Setting(PairsType(), '{ path = "docs/*" }', help=_ARGUMENTS_HELP)


class DenySection:
    """`[[tools.deny]]`."""

    rules: ClassVar[JsonSchema] = {"required": ["tool"]}
    tool = Setting(_TOOL, '"mcp:github/*"', help=_TOOL_HELP)
    arguments = Setting(PairsType(), help=_ARGUMENTS_HELP)


class ToolsSection:
    """`[tools]`."""

    enabled = Setting(
        TextsType(),
        '["current_time", "calculate", "mcp:git"]',
        "tools and sources of new sessions",
    )
    rounds = Setting(
        WholeType(limits.ROUNDS),
        "10",
        "consecutive replies with tool calls before it asks to continue",
    )
    timeout_s = Setting(
        NumberType(limits.TOOL_TIMEOUT_S),
        "60",
        "time limit of a call, in seconds",
    )
    max_output = Setting(
        WholeType(limits.TOOL_OUTPUT), "50000", "characters of a result that are sent to the model"
    )
    budget_tokens = Setting(
        WholeType(limits.BUDGET_TOKENS), "100000", "tokens of a turn before it asks to continue"
    )
    budget_usd = Setting(
        NumberType(limits.BUDGET_USD),
        "0.50",
        "cost of a turn, in dollars, before it asks to continue",
    )
    http_hosts = Setting(TextsType(), '["example.org"]', "hosts that http_get may contact")
    processes = Setting(
        WholeType(limits.TOOL_PROCESSES),
        "8",
        "tool processes at a time; further calls wait",
    )
    environment = Setting(
        TextsType(),
        '["MY_TOKEN"]',
        "variables passed to your tool files besides PATH, HOME …",
    )
    allow = Setting(
        TablesType(AllowSection),
        "",
        "calls that run without asking; set patterns for all arguments",
        header="[[tools.allow]]",
    )
    deny = Setting(TablesType(DenySection), "", "calls that never run", header="[[tools.deny]]")


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
        TextType((("minLength", 1),)),
        '"finish:length"',
        "finish model tool tokens cost ttft text …, -term, or, ( )",
        help="the query that a reply must match",
    )
    do = Setting(
        ChoiceType(tuple(action.value for action in Action)),
        '"continue"',
        "retry (model = …) flag notify stop, save (file = …), run",
        help="the action for a matching reply",
    )
    max = Setting(
        WholeType(limits.RULE_TIMES),
        "2",
        "most runs in a turn; the default is 1",
    )
    model = Setting(TextType(), help="retry: the model to use")
    file = Setting(TextType(), help="save: the file")
    command = Setting(TextsType(), help="run: the command; the exchange is its input, as JSON")
    env = Setting(
        TextsType(),
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
        TextType(),
        '"uvx"',
        "Claude Desktop, Cursor and VS Code write them",
        help="the program to start",
    )
    args = Setting(TextsType(), '["mcp-server-time"]', help="its arguments")
    env = Setting(PairsType(), help="its environment; ${NAME} is expanded at start")
    cwd = Setting(TextType(), help="its working folder")
    url = Setting(TextType((("pattern", "^https?://"),)), help="the URL of a running server")
    headers = Setting(PairsType(), help="HTTP headers for the URL")
    disabled = Setting(FlagType(), help="disable the server")


class ParametersSection:
    """`[providers.NAME.parameters]`."""

    max_tokens = Setting(WholeType(limits.MAX_TOKENS), "2048", help="limit on output tokens")
    temperature = Setting(NumberType(limits.TEMPERATURE), "0.7", help="randomness, 0 to 2")
    top_p = Setting(NumberType(limits.TOP_P), "1.0", help="nucleus sampling, 0 to 1")
    seed = Setting(WholeType(limits.SEED), "7", help="for reproducible replies")
    reasoning_effort = Setting(TextType(), '"medium"', help="minimal, low, medium or high")
    verbosity = Setting(TextType(), '"low"', help="low, medium or high")
    n = Setting(WholeType(limits.CHOICES), "2", "choices per request")
    store = Setting(FlagType(), "false", "whether the server may store replies")
    background = Setting(FlagType(), "true", "Responses: the server continues when you leave")
    metadata = Setting(
        PairsType(), '{ project = "demo" }', help="stored by the server with the reply"
    )


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
        TextType(), '"https://api.openai.com/v1"', help="the URL of an OpenAI-compatible server"
    )
    key_env = Setting(
        TextType(),
        '"OPENAI_API_KEY"',
        'or key_keyring = "openai", or key_command = ["pass", "openai"]',
        help="the environment variable that holds the key",
    )
    key_keyring = Setting(TextType(), help="the entry of the system's keyring that holds the key")
    key_command = Setting(TextsType(least=1), help="the command that prints the key")
    model = Setting(TextType(), '"gpt-6-sol"', help="the model to ask")
    headers = Setting(PairsType(), '{ "X-Title" = "replyscope" }', help="headers of each request")
    organization = Setting(TextType(), '"org-…"', help="the OpenAI-Organization header")
    project = Setting(TextType(), '"proj_…"', help="the OpenAI-Project header")
    proxy = Setting(
        TextType(),
        '"http://127.0.0.1:3128"',
        "or https, socks5, socks5h; default: the environment's",
        help="the proxy: http, https, socks5 or socks5h; default: the environment's",
    )
    ca_bundle = Setting(
        TextType(), '"/etc/ssl/private-ca.pem"', help="a file of trusted certificates"
    )
    azure_api_version = Setting(TextType(), '"2026-05-01"', "makes base_url an Azure endpoint")
    api = Setting(
        ChoiceType(("chat", "responses")),
        '"responses"',
        'or "chat"; Responses is the default for OpenAI\'s own hosts only',
        help="the wire API; responses is the default for OpenAI's own hosts only",
    )
    timeout_s = Setting(
        NumberType(limits.TIMEOUT_S),
        "600",
        "time without data before the request fails, in seconds",
    )
    think_tags = Setting(
        ChoiceType(tuple(tags.value for tags in ThinkTags)),
        '"auto"',
        "reasoning tags in the text: auto, on (open at the start), off",
    )
    max_retries = Setting(
        WholeType(limits.RETRIES), "2", "retries of requests that fail before any data arrives"
    )
    parameters = Setting(
        TableType(ParametersSection),
        help="parameters of each request",
        header="[providers.openai.parameters]",
    )


class RootSection:
    """The settings file."""

    provider = Setting(TextType(), '"openai"', "the provider to start with, from the list below")
    local_model = Setting(
        TextType(), '"qwen2.5-coder-1.5b"', 'the embedded model of provider = "local"'
    )
    theme = LookSection.theme
    ascii_only = LookSection.ascii_only
    redact = Setting(
        TextsType(),
        '["ACME-[0-9]+"]',
        "regular expressions to redact in exports; keys, e-mail\n"
        "addresses and home folders are always redacted",
        starts_block=True,
    )
    notifications = Setting(
        TableType(NotificationsSection),
        "",
        "when a reply ends while the terminal is not focused",
        header="[notifications]",
    )
    keys = LookSection.keys
    tools = Setting(
        TableType(ToolsSection),
        "",
        "tools for models; nothing runs without your consent",
        header="[tools]",
    )
    rule = Setting(
        TablesType(RuleSection),
        "",
        "an action for replies that match a query",
        header="[[rule]]",
    )
    queries = Setting(
        PairsType(),
        '"Long and dear" = "tokens:>20k cost:>0.10"',
        "saved queries of the review screen (F3)",
        header="[queries]",
    )
    mcp = Setting(
        NamedTablesType(ServerSection),
        "",
        "a tool server; mcp.json in this folder can hold entries as",
        help="tool servers, by name",
        header="[mcp.time]",
    )
    providers = Setting(
        NamedTablesType(ProviderSection),
        help="servers and how to reach them, by name",
        header="[providers.openai]",
    )
