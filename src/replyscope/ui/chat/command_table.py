"""The commands of the chat: slash commands, keys, palette and help are made from this table."""

from textual.binding import BindingType

from replyscope.ui.chat.commands import Command, Key
from replyscope.ui.chat.groups import Groups

COMMANDS: tuple[Command[Groups], ...] = (
    Command(
        "new",
        "Start a new session",
        lambda chat, _: chat.sessions.new_session(),
        key=Key("ctrl+n", "New session", "sessions.new-here", 9),
    ),
    Command(
        "private",
        "Start a session of which nothing is written",
        lambda chat, _: chat.sessions.private_session(),
    ),
    Command(
        "model",
        "Choose a model",
        lambda chat, text: chat.providers.choose_model(text),
        "NAME",
        key=Key("f2", "Model", "chat.model", 2, is_priority=True),
    ),
    Command(
        "api",
        "Speak the other wire API",
        lambda chat, text: chat.providers.choose_api(text),
        "chat|responses",
    ),
    Command(
        "schema",
        "Ask for replies that fit a JSON schema",
        lambda chat, text: chat.providers.use_schema(text),
        "FILE|off",
    ),
    Command(
        "responses",
        "Replies that providers keep: fetch, stop, delete",
        lambda chat, _: chat.stored_replies.show_remote(),
    ),
    Command(
        "tools",
        "Choose the tools that the model may ask for",
        lambda chat, _: chat.tools.choose_tools(),
        key=Key("f10", "Tools", "tools.choose", 31, is_priority=True),
    ),
    Command("mcp", "Add a tool server: paste its entry", lambda chat, _: chat.tools.add_server()),
    Command(
        "hosted",
        "Offer a tool that the provider runs",
        lambda chat, text: chat.tools.offer_hosted(text),
        "JSON",
    ),
    Command(
        "resource",
        "Attach a resource of a tool server",
        lambda chat, _: chat.tool_servers.attach_resource(),
    ),
    Command(
        "prompt",
        "Write a prompt of a tool server",
        lambda chat, text: chat.tool_servers.use_prompt(text),
        "SERVER:NAME",
    ),
    Command(
        "run",
        "Run the tools that the reply asked for",
        lambda chat, _: chat.tools.run_tools(),
        key=Key("t", "Run the tools asked for", "tools.run", 25),
    ),
    Command(
        "call",
        "A tool call: copy, try again, answer by hand",
        lambda chat, _: chat.tools.open_call(),
        key=Key("T,shift+t", "A tool call: copy, try, answer", "tools.call", 26),
    ),
    Command(
        "provider",
        "Choose a key, a server or the embedded model",
        lambda chat, _: chat.providers.choose_provider(),
    ),
    Command(
        "system",
        "Edit the system prompt and the parameters",
        lambda chat, _: chat.providers.edit_parameters(),
        key=Key("f8", "Parameters", "chat.parameters", 8, is_priority=True),
    ),
    Command(
        "retry",
        "Ask again for the reply, perhaps with another model",
        lambda chat, text: chat.branches.retry(text),
        "MODEL",
        key=Key("r", "Retry", "reply.retry", 17),
    ),
    Command(
        "edit",
        "Write your message anew; both stay",
        lambda chat, _: chat.branches.edit_message(),
        key=Key("e", "Edit and send again", "reply.edit", 19),
    ),
    Command(
        "next",
        "Show the next sibling of the message",
        lambda chat, _: chat.branches.walk(1),
        key=Key("right_square_bracket", "Next sibling", "reply.next", 21),
    ),
    Command(
        "previous",
        "Show the previous sibling of the message",
        lambda chat, _: chat.branches.walk(-1),
        key=Key("left_square_bracket", "Previous sibling", "reply.previous", 20),
    ),
    Command(
        "fork",
        "Go on from here in a session of its own",
        lambda chat, _: chat.branches.fork(),
        key=Key("F", "Fork the session here", "reply.fork", 24),
    ),
    Command(
        "continue",
        "Ask for more of the last reply",
        lambda chat, _: chat.sending.continue_reply(),
        key=Key("c", "Continue the reply", "reply.continue", 16),
    ),
    Command(
        "raise",
        "Double the token limit and continue",
        lambda chat, _: chat.sending.raise_limit(),
        key=Key("m", "Raise the limit", "reply.raise", 32),
    ),
    Command("stop", "Stop the reply", lambda chat, _: chat.sending.cancel_reply()),
    Command(
        "review",
        "Find, compare and order saved sessions",
        lambda chat, _: chat.reviewing.review(),
        key=Key("f3", "Review saved sessions", "app.review", 3, is_priority=True),
    ),
    Command(
        "stats",
        "Tokens, cost, endings and latency of all replies",
        lambda chat, _: chat.reviewing.show_stats(),
        key=Key("f9", "Numbers", "app.stats", 30, is_priority=True),
    ),
    Command(
        "timeline",
        "When the reply waited, wrote and ran tools",
        lambda chat, _: chat.reviewing.show_time(),
        key=Key("L,shift+l", "Timeline of the reply", "reply.timeline", 28),
    ),
    Command(
        "replay",
        "Play the reply again as it came",
        lambda chat, _: chat.reviewing.replay(),
        key=Key("P,shift+p", "Replay the reply", "reply.replay", 29),
    ),
    Command(
        "compare",
        "Compare the reply with another, or with other models",
        lambda chat, text: chat.reviewing.compare(text),
        "MODELS",
        key=Key("D,shift+d", "Compare the reply", "reply.compare", 27),
    ),
    Command(
        "export",
        "Hand this session on as HTML, Markdown or JSON",
        lambda chat, _: chat.reviewing.export(),
    ),
    Command(
        "import",
        "Take in sessions of ChatGPT, llm and others",
        lambda chat, text: chat.reviewing.import_file(text),
        "FILE",
    ),
    Command(
        "find",
        "Find in this conversation",
        lambda chat, text: chat.finding.find(text),
        "TEXT",
        key=Key("ctrl+f", "Find", "chat.find", 10, is_priority=True),
    ),
    Command(
        "copy",
        "Copy the message under the cursor",
        lambda chat, _: chat.copying.copy_message(),
        key=Key("y", "Copy the message", "reply.copy", 33),
    ),
    Command(
        "code",
        "Copy a code block of the message",
        lambda chat, _: chat.copying.copy_code(),
        key=Key("Y,shift+y", "Copy its code", "reply.copy-code", 34),
    ),
    Command("attach", "Attach a file", lambda chat, text: chat.writing.attach(text), "PATH"),
    Command(
        "editor",
        "Write the message in $EDITOR",
        lambda chat, _: chat.outside_editor.edit_outside(),
        key=Key("ctrl+g", "Editor", "chat.editor", 11, is_priority=True),
    ),
    Command(
        "rename",
        "Rename this session",
        lambda chat, text: chat.sessions.rename_session(text),
        "TITLE",
    ),
    Command("delete", "Delete this session", lambda chat, _: chat.sessions.delete_session()),
    Command(
        "undo", "Bring the last deleted session back", lambda chat, _: chat.sessions.undo_delete()
    ),
    Command(
        "sessions",
        "Show or hide the sessions",
        lambda chat, _: chat.layout.toggle_sidebar(),
        key=Key("f5", "Sessions", "chat.sessions", 5, is_priority=True),
    ),
    Command(
        "inspector",
        "Show or hide the inspector",
        lambda chat, _: chat.layout.toggle_inspector(),
        key=Key("f4", "Inspector", "chat.inspector", 4, is_priority=True),
    ),
    Command(
        "wire",
        "Show what went over the wire",
        lambda chat, _: chat.layout.show_wire(),
        key=Key("f7", "Wire", "chat.wire", 7, is_priority=True),
    ),
    Command(
        "theme",
        "Choose a theme",
        lambda chat, text: chat.theme_choice.choose_theme(text),
        "NAME",
        key=Key("ctrl+t", "Theme", "app.theme", 12, is_priority=True),
    ),
    Command(
        "help",
        "Show keys and commands",
        lambda chat, _: chat.key_help.show_help(),
        key=Key("f1", "Help", "app.help", 1, is_priority=True),
    ),
    Command(
        "quit",
        "Save and leave",
        lambda chat, _: chat.lifecycle.quit_app(),
        key=Key("ctrl+q", "Quit", "app.quit", 37, is_priority=True),
    ),
    Command(
        "next pane",
        "",
        lambda chat, _: chat.consent.focus_next(),
        key=Key("f6", "Next pane", "app.next-pane", 6, is_priority=True),
    ),
    Command(
        "go to sessions",
        "",
        lambda chat, _: chat.layout.focus_sessions(),
        key=Key("ctrl+o", "Go to sessions", "sessions.focus", 13),
    ),
    Command(
        "go to messages",
        "",
        lambda chat, _: chat.panes.transcript.focus(),
        key=Key("ctrl+up", "Go to messages", "transcript.focus", 14),
    ),
    Command(
        "back",
        "",
        lambda chat, _: chat.layout.back(),
        key=Key("escape", "Stop or go back", "chat.back", 15),
    ),
    Command(
        "retry elsewhere",
        "",
        lambda chat, _: chat.branches.retry_elsewhere(),
        key=Key("R,shift+r", "Retry with another model", "reply.retry-model", 18),
    ),
    Command(
        "earlier exchange",
        "",
        lambda chat, _: chat.panes.step_exchange(-1),
        key=Key("less_than_sign", "Earlier exchange", "reply.earlier", 22),
    ),
    Command(
        "later exchange",
        "",
        lambda chat, _: chat.panes.step_exchange(1),
        key=Key("greater_than_sign", "Later exchange", "reply.later", 23),
    ),
    Command(
        "find next",
        "",
        lambda chat, _: chat.finding.find_again(1),
        key=Key("n", "Find next", "find.next", 35),
    ),
    Command(
        "find previous",
        "",
        lambda chat, _: chat.finding.find_again(-1),
        key=Key("N,shift+n", "Find previous", "find.previous", 36),
    ),
)
"""All commands. The slash commands come first, in the order of the help."""

SLASH_COMMANDS = tuple(command for command in COMMANDS if command.help)


def _bindings() -> list[BindingType]:
    keys = [(command.key, command.name) for command in COMMANDS if command.key is not None]
    return [key.binding(name) for key, name in sorted(keys, key=lambda pair: pair[0].place)]


CHAT_KEYS = _bindings()
