"""The table of slash commands of the linear chat: the source of dispatch, /help and Tab."""

from collections.abc import Callable
from dataclasses import dataclass

from replyscope.linear import (
    asides,
    calls,
    compacting,
    context,
    copying,
    files,
    history,
    presets,
    prompts,
    replies,
    servers,
    sessions,
    settings,
    targets,
    watching,
)
from replyscope.linear.desk import LinearDesk

Run = Callable[[LinearDesk, str], None]


@dataclass(frozen=True, slots=True)
class LinearCommand:
    """A command: the word after the slash, its argument, a sentence for the help, and its
    function. `aliases` are words of other chats and of the app. With `takes_text` the argument
    may have several lines.
    """

    name: str
    help: str
    run: Run
    argument: str = ""
    aliases: tuple[str, ...] = ()
    takes_text: bool = False

    @property
    def sentence(self) -> str:
        """The command in one sentence."""
        typed = f"/{self.name} {self.argument}".strip()
        return f"{typed}: {self.help}."


# fmt: off
COMMANDS: tuple[LinearCommand, ...] = (
    LinearCommand("model", "choose a model", targets.choose_model, "[MODEL]"),
    LinearCommand("provider", "choose a key, a server or the embedded model",
                  targets.choose_provider),
    LinearCommand("api", "switch between Chat and Responses", targets.choose_api,
                  "[chat|responses]"),
    LinearCommand("new", "start a new session", sessions.new_session, aliases=("clear",)),
    LinearCommand("private", "start a session that is not written to disk",
                  sessions.private_session),
    LinearCommand("sessions", "list saved sessions by number", sessions.list_sessions,
                  "[HOW MANY]", ("resume",)),
    LinearCommand("open", "open a listed session", sessions.open_listed, "N|ID"),
    LinearCommand("show", "read the open session, or a listed session or reply",
                  sessions.show, "[N]"),
    LinearCommand("search", "search all saved replies", sessions.search, "QUERY"),
    LinearCommand("more", "list the next results", sessions.more),
    LinearCommand("review", "search with each line that you type", sessions.start_review,
                  "[QUERY]"),
    LinearCommand("chat", "return from the review to the session", sessions.end_review),
    LinearCommand("stats", "read tokens, cost, endings and latency", sessions.stats, "[QUERY]"),
    LinearCommand("find", "find a text in this session", sessions.find, "TEXT"),
    LinearCommand("inspect", "read why the reply ended, its tokens, tools and findings",
                  replies.inspect, aliases=("inspector", "usage", "cost")),
    LinearCommand("reasoning", "read the reasoning of the reply", replies.print_reasoning),
    LinearCommand("raw", "read the source of the reply", replies.print_source),
    LinearCommand("copy", "copy the source of the reply", copying.copy_reply),
    LinearCommand("code", "copy a code block of the reply", copying.copy_code, "[N]"),
    LinearCommand("call", "read, copy, try or answer a tool call", calls.open_call, "[N]"),
    LinearCommand("wire", "read the request and the frames", replies.print_wire, "[FRAME]"),
    LinearCommand("timeline", "read when the reply waited, wrote and ran tools",
                  replies.print_timeline),
    LinearCommand("retry", "request the reply again", replies.retry, "[MODEL]"),
    LinearCommand("edit", "write your last message again; both versions are kept", replies.edit,
                  "[TEXT]", takes_text=True),
    LinearCommand("continue", "request more of the last reply", replies.continue_reply),
    LinearCommand("raise", "double the token limit and continue", replies.raise_limit),
    LinearCommand("branches", "list the versions of a message, or open one", replies.branches,
                  "[N]"),
    LinearCommand("next", "open the next version", replies.next_version),
    LinearCommand("previous", "open the previous version", replies.previous_version),
    LinearCommand("fork", "continue in a new session", replies.fork),
    LinearCommand("compare", "compare two versions, or models", replies.compare, "[N N|MODELS]"),
    LinearCommand("run", "run the waiting tool calls", replies.run_tools),
    LinearCommand("tools", "list the tools, or offer them", settings.tools, "[TOOL] [on|off]"),
    LinearCommand("mcp", "add a tool server by its entry", settings.add_server, "[JSON]",
                  takes_text=True),
    LinearCommand("hosted", "offer a tool that the provider runs", settings.hosted,
                  "[JSON|off]", takes_text=True),
    LinearCommand("resource", "attach a resource of a tool server", servers.attach_resource),
    LinearCommand("prompt", "send a prompt of a tool server", servers.use_prompt,
                  "[SERVER:NAME]"),
    LinearCommand("responses", "fetch, cancel or delete replies that providers keep",
                  servers.stored_replies),
    LinearCommand("system", "read or replace the system prompt", settings.system, "[TEXT|off]",
                  takes_text=True),
    LinearCommand("params", "read, find or set the parameters", settings.parameters,
                  "[NAME=VALUE ...|WORD]", ("parameters",)),
    LinearCommand("preset", "list the presets, use one, or make one of this session",
                  presets.preset, "[PRESET|save PRESET|off]"),
    LinearCommand("prompts", "list the prompts, use one, write one, or make one of your message",
                  prompts.prompts, "[PROMPT [KEY=VALUE ...] [TEXT]|save|new|edit PROMPT]"),
    LinearCommand("context", "read what the next request holds, or the request itself",
                  context.context, "[list|count|json|curl|python]"),
    LinearCommand("cache", "read why the reply missed the prompt cache", context.cache),
    LinearCommand("compact", "continue from a summary in a new branch", compacting.compact,
                  "[MODEL|server]"),
    LinearCommand("leave-out", "leave a message out of the next requests, or send it again",
                  context.leave_message_out, "[N]"),
    LinearCommand("pin-message", "pin a message: /compact and shortening keep it",
                  context.pin_message, "[N]"),
    LinearCommand("n", "request several replies to each message", settings.choices, "[NUMBER]"),
    LinearCommand("schema", "request replies that match a JSON schema", settings.schema,
                  "[FILE|off]"),
    LinearCommand("attach", "attach a file to the next message", settings.attach, "[PATH|off]"),
    LinearCommand("history", "search the prompts of all sessions", history.history, "[WORDS]"),
    LinearCommand("stash", "put a text aside, or take it back", asides.stash, "[TEXT|pop]",
                  takes_text=True),
    LinearCommand("quote", "quote the last reply, or its paragraphs with a text, in your message",
                  asides.quote, "[TEXT]"),
    LinearCommand("aside", "ask a side question that stays out of later requests", asides.aside,
                  "QUESTION", takes_text=True),
    LinearCommand("watch", "forward the calls of other programs, and read each one as it ends",
                  watching.watch, "[PROVIDER|URL|off]"),
    LinearCommand("export", "export a session to a file", files.export,
                  "[N ...] [md|json|jsonl|html] [FILE]"),
    LinearCommand("import", "import sessions of other programs", files.import_file, "[FILE]"),
    LinearCommand("rename", "rename this session", sessions.rename, "[TITLE]"),
    LinearCommand("tag", "add tags, or remove them with a minus", sessions.tag,
                  "[N ...] NAME ..."),
    LinearCommand("pin", "pin or unpin sessions", sessions.pin, "[N ...]"),
    LinearCommand("archive", "archive or unarchive sessions", sessions.archive, "[N ...]"),
    LinearCommand("delete", "delete sessions; undo restores them", sessions.delete, "[N ...]"),
    LinearCommand("undo", "undo the last deletion or change of labels", sessions.undo),
)
# fmt: on
"""All commands but /settings, /editor, /help and /quit, which are the chat's own."""

SETTINGS = ("model", "provider", "api", "system", "params", "n", "schema", "tools", "mcp")
"""The commands that /settings lists."""

FULL_SCREEN = {
    "theme": "/theme is only in the full screen: this chat has no colours.",
    "replay": "/replay is only in the full screen. /timeline reads when the reply wrote.",
    "picture": "/picture is only in the full screen.",
    "messages": "/messages is only in the full screen: here messages are lines above.",
    "stop": "No reply streams. While one streams, /stop or Ctrl+C stops it.",
}
"""The commands of the app that the linear chat does not run, each with what it prints."""
