"""`replyscope ask`: sends one prompt, and streams the reply to stdout; notices go to stderr."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from replyscope.cli.parser import (
    EXIT_INTERRUPTED,
    EXIT_LIMIT,
    EXIT_OK,
    EXIT_PROVIDER,
    EXIT_REFUSED,
    EXIT_STORE,
)
from replyscope.cli.report import warn
from replyscope.cli.target import find_target, resolve_model, use_preset_model
from replyscope.cli.wiring import Wiring, load_catalogue
from replyscope.domain.errors import OutputError
from replyscope.domain.event import Event, RequestAdapted, RetryScheduled, TextDelta
from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import Attachment, Part, TextPart, attached_text
from replyscope.domain.route import environment_faults
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.domain.settings import Settings
from replyscope.domain.unicode_text import HalfHolder
from replyscope.engine import spending
from replyscope.engine.consent import refuse, say_yes
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.parameter_texts import with_typed
from replyscope.engine.presets import find_preset, with_preset
from replyscope.engine.schemas import read_schema
from replyscope.engine.tool_calls import exchanges_with_results
from replyscope.inspection.explain import Mood, explain
from replyscope.inspection.json_view import exchange_object
from replyscope.inspection.sent_as import rejections

if TYPE_CHECKING:
    from replyscope.engine.prompts import Filled


async def ask(
    arguments: argparse.Namespace, settings: Settings, wiring: Wiring, parts: tuple[Part, ...]
) -> int:
    """Send the message and print the reply. Returns the exit status.

    A closed or full stdout does not stop the reply: it is read to its end and saved, rules and
    tools run, and then BrokenPipeError or OutputError is raised.
    """
    await _read_given(arguments, None)  # before anything is opened
    used: Filled | None = None
    if arguments.templates or arguments.variables:
        from replyscope.cli.prompting import fill_message  # only for these options

        parts, used = await fill_message(arguments, wiring.paths, parts)
    conversation = await _open_conversation(arguments, wiring)
    resolve_model(arguments, settings)
    stored = _with_presets(arguments, settings, conversation.session.settings, used)
    target = await find_target(arguments, settings, wiring, stored)
    _warn(parts, target, wiring)
    given = await _read_given(arguments, target.endpoint.api)
    conversation.change_settings(_session_settings(arguments, stored, target, given))
    _prepare_answers(arguments, wiring)
    output = _Output()
    why = await _stream(conversation, target, parts, wiring, output, as_json=arguments.json)
    exchanges = exchanges_with_results(conversation.exchanges, conversation.tree)
    made = [exchanges[key] for key in conversation.turn]
    if arguments.json:
        session_id = conversation.session.id if wiring.store.is_saving else None
        answer = {"session_id": session_id, "exchanges": [exchange_object(e) for e in made]}
        output.write(f"{json.dumps(answer)}\n")
    if why:
        warn(why)
    status = _report(conversation, made)
    if output.fault is not None:
        is_saved = wiring.store.is_saving and conversation.unsaved is None
        _raise_output_fault(output.fault, is_saved=is_saved)
    if status == EXIT_OK and why:
        return EXIT_LIMIT if wiring.spending.was_refused else EXIT_REFUSED
    return status


def _raise_output_fault(fault: OSError, *, is_saved: bool) -> NoReturn:
    if isinstance(fault, BrokenPipeError):
        raise fault  # main ends quietly: the reader has closed the pipe
    next_step = "It is saved: see `replyscope sessions list`." if is_saved else ""
    raise OutputError(f"The reply can't be printed ({fault}).", next_step) from fault


def _warn(parts: Sequence[Part], target: Target, wiring: Wiring) -> None:
    """Print warnings about the environment, keys in the message, and attachments that are not
    accepted, before sending.
    """
    for fault in environment_faults(os.environ):
        warn(f"{fault} It is not needed for this server.")
    attached = [part for part in parts if isinstance(part, Attachment)]
    for text in (
        *(p.text for p in parts if isinstance(p, TextPart)),
        *map(attached_text, attached),
    ):
        for key in wiring.providers.find_keys(text):
            warn(f"The prompt contains what looks like an API key: {key}. It is sent unchanged.")
    endpoint = target.endpoint
    for said in rejections(attached, endpoint.base_url, endpoint.api, target.model):
        warn(said)


def _prepare_answers(arguments: argparse.Namespace, wiring: Wiring) -> None:
    """Answer questions about tool calls and spending limits without a dialog, and print errors of
    the tool settings.
    """
    wiring.consent.ask = say_yes if arguments.yes else refuse
    wiring.spending.ask = spending.say_yes if arguments.over_limit else spending.refuse
    wiring.spending.note = warn
    wiring.tool_settings()
    for fault in wiring.tool_settings.faults:
        warn(fault)


async def _read_given(arguments: argparse.Namespace, api: Api | None) -> Parameters:
    """The parameters of -P. Raises ParameterFault."""
    given = Parameters()
    if arguments.parameters:
        catalogue = await asyncio.to_thread(load_catalogue)
        for name, text in arguments.parameters:
            given = with_typed(given, catalogue, name, text, api)
    return given


def _with_preset(
    arguments: argparse.Namespace, settings: Settings, stored: SessionSettings
) -> SessionSettings:
    """The settings of the session with the preset of --preset, whose model is used.

    Raises SettingsError.
    """
    if arguments.preset is None:
        return stored
    preset = find_preset(settings, arguments.preset)
    use_preset_model(arguments, settings, preset.model)
    return with_preset(stored, preset)


def _with_presets(
    arguments: argparse.Namespace,
    settings: Settings,
    stored: SessionSettings,
    used: "Filled | None",
) -> SessionSettings:
    """The settings of the session, changed by the prompts, then by the preset.

    Raises SettingsError.
    """
    if used is None:
        return _with_preset(arguments, settings, stored)
    from replyscope.engine.prompts import model_of, with_filled  # only with prompts

    made = _with_preset(arguments, settings, with_filled(stored, used, settings))
    use_preset_model(arguments, settings, model_of(used.prompts, settings))
    return made


def _session_settings(
    arguments: argparse.Namespace, stored: SessionSettings, target: Target, given: Parameters
) -> SessionSettings:
    """The settings of the session, overridden by the options of the command line."""
    parameters = given.merged_over(_parameters(arguments).merged_over(stored.parameters))
    for name in (name for name, text in arguments.parameters or () if not text):
        parameters = parameters.inheriting(name)
    return SessionSettings(
        endpoint=target.endpoint.name,
        model=target.model,
        system=arguments.system if arguments.system is not None else stored.system,
        parameters=parameters,
        schema=read_schema(Path(arguments.schema)) if arguments.schema else stored.schema,
        hosted=stored.hosted,
        tools=stored.tools if arguments.tools is None else arguments.tools,
        preset=stored.preset,
    )


def _parameters(arguments: argparse.Namespace) -> Parameters:
    return Parameters(
        max_tokens=arguments.max_tokens,
        temperature=arguments.temperature,
        n=arguments.n,
        reasoning_effort=arguments.effort,
        verbosity=arguments.verbosity,
        store=arguments.store,
        metadata=tuple(arguments.metadata) if arguments.metadata else None,
    )


async def _open_conversation(arguments: argparse.Namespace, wiring: Wiring) -> Conversation:
    session_id: str | None = arguments.session
    if session_id is not None:
        session_id = await wiring.store.find_session_id(session_id)
    elif arguments.newest:
        session_id = await wiring.archive.newest_id()
    if session_id is None:
        return wiring.archive.new(SessionSettings())
    return await wiring.archive.open(session_id)


async def _warn_of_servers(wiring: Wiring) -> None:
    """Print errors and notes of the started tool servers."""
    for source in await wiring.toolbox.sources():
        if source.name.startswith("mcp:"):
            for line in filter(None, (source.fault, *source.notes)):
                warn(f"{source.name}: {line}")


class _Output:
    """Standard output. The first error is kept in `fault`; later text is then discarded."""

    def __init__(self) -> None:
        self.fault: OSError | None = None

    def write(self, text: str) -> None:
        """Write and flush. Writes nothing if stdout is closed or has failed."""
        if sys.stdout is None or self.fault is not None:
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError as error:
            self.fault = error


class _Printer:
    """A listener that prints notices, and with `prints_text` the text of the first choice."""

    def __init__(self, output: _Output, *, prints_text: bool) -> None:
        self._output = output
        self._prints_text = prints_text
        self._halves = HalfHolder()
        self._last = "\n"

    def listen(self, event: Event) -> None:
        """Print one event."""
        if type(event) is TextDelta:
            if self._prints_text and event.choice == 0:
                self._output.write(self._halves.feed(event.text))
                self._last = event.text or self._last
        elif type(event) is RequestAdapted:
            warn(event.note)
        elif type(event) is RetryScheduled:
            warn(f"{event.failure.message} Retry in {event.wait_s:.1f} s.")

    def finish(self) -> None:
        """End the text with a line feed."""
        self._output.write(self._halves.finish())
        if not self._last.endswith("\n"):
            self._output.write("\n")


async def _stream(
    conversation: Conversation,
    target: Target,
    parts: tuple[Part, ...],
    wiring: Wiring,
    output: _Output,
    *,
    as_json: bool,
) -> str:
    """Print one reply while it streams, or several at the end; neither with `as_json`.

    Returns why tool calls did not run, "" if they did.
    """
    is_one = (target.parameters(conversation.session.settings).n or 1) == 1
    has_tools = bool(conversation.session.settings.tools or wiring.tool_settings().enabled)
    printer = _Printer(output, prints_text=is_one and not as_json)
    warning: list[asyncio.Task[None]] = []

    def listen(event: Event) -> None:
        if has_tools and not warning:  # the servers were started before the first event
            warning.append(asyncio.create_task(_warn_of_servers(wiring)))
        printer.listen(event)

    why = await conversation.send(parts, target, listen)
    await asyncio.gather(*warning)
    printer.finish()
    if not (as_json or is_one):
        _print_choices(conversation, output)
    if why and wiring.spending.was_refused:
        return f"{why} --over-limit sends it."
    return f"{why} --yes runs the tool calls." if why else ""


def _print_choices(conversation: Conversation, output: _Output) -> None:
    choices = [c for e in conversation.turn for c in conversation.exchanges[e].choices]
    for number, choice in enumerate(choices, start=1):
        finish = choice.finish_reason.value if choice.finish_reason is not None else "—"
        heading = f"── {number} of {len(choices)} · {finish} ──"
        output.write(f"{heading}\n{choice.text.rstrip()}\n\n")


def _report(conversation: Conversation, exchanges: Sequence[Exchange]) -> int:
    """Print to stderr how each reply ended. Returns the highest exit status."""
    status = max((_report_exchange(exchange) for exchange in exchanges), default=EXIT_OK)
    if conversation.unsaved is not None:
        warn(f"not saved: {conversation.unsaved}")
        return EXIT_STORE
    return status


def _report_exchange(exchange: Exchange) -> int:
    status = EXIT_OK
    if exchange.state in (ExchangeState.FAILED, ExchangeState.TRUNCATED):
        status = EXIT_PROVIDER
    elif exchange.state is ExchangeState.CANCELLED:
        status = EXIT_INTERRUPTED
    for choice in exchange.choices:
        finish = choice.finish_reason
        if finish in (FinishReason.REFUSAL, FinishReason.NEEDS_APPROVAL) and status == EXIT_OK:
            status = EXIT_REFUSED
        ending = explain(exchange, choice.index)
        if ending.mood is not Mood.GOOD:
            warn(f"{ending.word}: {ending.sentence}")
        if choice.refusal:
            warn(choice.refusal)
    return status
