"""Every command by name: the slash commands, the palette and the help come from here."""

from dataclasses import dataclass

from replyscope.domain.session import Draft


@dataclass(frozen=True, slots=True)
class Command:
    """`action` is run on the chat screen; `argument` says what may follow the name."""

    name: str
    help: str
    action: str
    argument: str = ""


COMMANDS = (
    Command("new", "Start a new session", "new_session"),
    Command("private", "Start a session of which nothing is written", "private_session"),
    Command("model", "Choose a model", "choose_model", "NAME"),
    Command("api", "Speak the other wire API", "choose_api", "chat|responses"),
    Command("schema", "Ask for replies that fit a JSON schema", "use_schema", "FILE|off"),
    Command("responses", "Replies that providers keep: fetch, stop, delete", "show_remote"),
    Command("tools", "Choose the tools that the model may ask for", "choose_tools"),
    Command("mcp", "Add a tool server: paste its entry", "add_server"),
    Command("hosted", "Offer a tool that the provider runs", "offer_hosted", "JSON"),
    Command("resource", "Attach a resource of a tool server", "attach_resource"),
    Command("prompt", "Write a prompt of a tool server", "use_prompt", "SERVER:NAME"),
    Command("run", "Run the tools that the reply asked for", "run_tools"),
    Command("call", "A tool call: copy, try again, answer by hand", "open_call"),
    Command("provider", "Choose a key, a server or the embedded model", "choose_provider"),
    Command("system", "Edit the system prompt and the parameters", "edit_parameters"),
    Command("retry", "Ask again for the reply, perhaps with another model", "retry", "MODEL"),
    Command("edit", "Write your message anew; both stay", "edit_message"),
    Command("next", "Show the next sibling of the message", "walk(1)"),
    Command("previous", "Show the previous sibling of the message", "walk(-1)"),
    Command("fork", "Go on from here in a session of its own", "fork"),
    Command("continue", "Ask for more of the last reply", "continue_reply"),
    Command("raise", "Double the token limit and continue", "raise_limit"),
    Command("stop", "Stop the reply", "cancel_reply"),
    Command("review", "Find, compare and order saved sessions", "review"),
    Command("stats", "Tokens, cost, endings and latency of all replies", "show_stats"),
    Command("timeline", "When the reply waited, wrote and ran tools", "show_time"),
    Command("replay", "Play the reply again as it came", "replay"),
    Command("compare", "Compare the reply with another, or with other models", "compare", "MODELS"),
    Command("export", "Hand this session on as HTML, Markdown or JSON", "export"),
    Command("import", "Take in sessions of ChatGPT, llm and others", "import_file", "FILE"),
    Command("find", "Find in this conversation", "find", "TEXT"),
    Command("copy", "Copy the message under the cursor", "copy_message"),
    Command("code", "Copy a code block of the message", "copy_code"),
    Command("attach", "Attach a file", "attach", "PATH"),
    Command("editor", "Write the message in $EDITOR", "edit_outside"),
    Command("rename", "Rename this session", "rename_session", "TITLE"),
    Command("delete", "Delete this session", "delete_session"),
    Command("undo", "Bring the last deleted session back", "undo_delete"),
    Command("sessions", "Show or hide the sessions", "toggle_sidebar"),
    Command("inspector", "Show or hide the inspector", "toggle_inspector"),
    Command("wire", "Show what went over the wire", "show_wire"),
    Command("theme", "Choose a theme", "choose_theme", "NAME"),
    Command("help", "Show keys and commands", "help"),
    Command("quit", "Save and leave", "quit_app"),
)


def find_command(name: str) -> Command | None:
    """The command of that name, or the only one whose name begins so."""
    exact = [command for command in COMMANDS if command.name == name]
    begins = [command for command in COMMANDS if name and command.name.startswith(name)]
    if exact:
        return exact[0]
    return begins[0] if len(begins) == 1 else None


def is_command(draft: Draft) -> bool:
    """Whether what is written is a command, or becomes one: a line that begins with a slash."""
    is_line = draft.text.startswith("/") and "\n" not in draft.text
    return is_line and not draft.attachments
