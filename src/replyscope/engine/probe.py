"""Compatibility checks of a server: a few small requests. Nothing is saved.

The last checks offer a tool, and send back the result of its call.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.event import Event, WireFrame
from replyscope.domain.exchange import ANSWERABLE, Api, Exchange, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.message import Message, ReplySource, Role, TextPart, ToolResultPart
from replyscope.domain.ports import Clock, ModelProvider
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import Parameters, Schema, SessionSettings
from replyscope.domain.tool import Tool
from replyscope.engine.branch import for_server
from replyscope.engine.live_reply import Target
from replyscope.engine.spending import Planned

_SCHEMA = Schema(
    "probe",
    '{"type":"object","properties":{"word":{"type":"string"}},"required":["word"],'
    '"additionalProperties":false}',
)


_TOOL = Tool(
    name="get_word",
    description="Returns the secret word.",
    schema='{"type":"object","properties":{}}',
    source="probe",
    own_name="get_word",
)
_WORD = "blue"


@dataclass(frozen=True, slots=True)
class Probe:
    """One check: a question, and the finish reason that the server should send."""

    name: str
    prompt: str
    parameters: Parameters = field(default_factory=lambda: Parameters(max_tokens=200))
    system: str | None = None
    schema: Schema | None = None
    wants: FinishReason | None = None
    choices: int = 1
    tools: tuple[Tool, ...] = ()


_ALL = (
    Probe("a short reply", "Say hello in one short sentence.", wants=FinishReason.STOP),
    Probe("a system prompt", "Which word?", system="Whatever you are asked, answer: blue."),
    Probe(
        "cut at the limit",
        "Count from one to one hundred in words.",
        Parameters(max_tokens=16),
        wants=FinishReason.LENGTH,
    ),
    Probe("a JSON schema", 'Give {"word": "blue"}.', schema=_SCHEMA),
)
_CALL = Probe(
    "a tool call",
    "Call get_word to find out the secret word, then tell me which it is.",
    wants=FinishReason.TOOL_CALLS,
    tools=(_TOOL,),
)
_RESULT = replace(_CALL, name="the result sent back", wants=FinishReason.STOP)
_TWO = Probe("two choices", "Say a number.", Parameters(max_tokens=200, n=2), choices=2)


@dataclass(frozen=True, slots=True)
class Probed:
    """The result of a probe: its exchange and its frames."""

    probe: Probe
    exchange: Exchange
    frames: tuple[WireFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class _Server:
    """The probed server and model."""

    provider: ModelProvider
    endpoint: Endpoint
    model: str
    clock: Clock


async def run_probes(
    provider: ModelProvider, endpoint: Endpoint, model: str, clock: Clock
) -> AsyncGenerator[Probed, None]:
    """Run the probes and yield each result. A failing server is a failed exchange, not an error."""
    server = _Server(provider, endpoint, model, clock)
    probes = (*_ALL, _TWO) if provider.api is Api.CHAT else _ALL
    for probe in probes:
        yield await _run(probe, server, (_question(probe, clock),))
    question = _question(_CALL, clock)
    called = await _run(_CALL, server, (question,))
    yield called
    if any(call.kind in ANSWERABLE for call in called.exchange.choice(0).tool_calls):
        yield await _run(_RESULT, server, _with_results(question, called.exchange, server))


def planned(target: Target, clock: Clock) -> Planned:
    """All probes as one request, for the spending limits."""
    probes = (*_ALL, _TWO, _CALL, _RESULT)
    tokens = sum((probe.parameters.max_tokens or 0) * probe.choices for probe in probes)
    settings = SessionSettings(parameters=Parameters(max_tokens=tokens))
    messages = tuple(_question(probe, clock) for probe in probes)
    return Planned("probe", "probe", settings, None, target, messages, {}, is_single=True)


def _question(probe: Probe, clock: Clock) -> Message:
    return Message("probe", Role.USER, (TextPart(probe.prompt),), clock.now())


def _with_results(question: Message, exchange: Exchange, server: _Server) -> tuple[Message, ...]:
    """The messages for the next request: the question, the calls, and a result for each call."""
    now = server.clock.now()
    source = (ReplySource(exchange.id, 0),)
    asked = Message("called", Role.ASSISTANT, (), now, question.id, source)
    results = tuple(
        ToolResultPart(call.id, _WORD, call.name, kind=call.kind)
        for call in exchange.choice(0).tool_calls
        if call.kind in ANSWERABLE
    )
    told = Message("told", Role.TOOL, results, now, asked.id)
    return for_server(
        (question, asked, told), {exchange.id: exchange}, server.endpoint, exchange.model
    )


async def _run(probe: Probe, server: _Server, messages: tuple[Message, ...]) -> Probed:
    provider = server.provider
    fold = ExchangeFold(
        Exchange(
            id="probe",
            api=provider.api,
            endpoint=server.endpoint.name,
            base_url=server.endpoint.public_url,
            model=server.model,
            started_at=server.clock.now(),
            state=ExchangeState.IN_PROGRESS,
            schema=probe.schema.text if probe.schema is not None else None,
            max_tokens=probe.parameters.max_tokens,
        )
    )
    request = ModelRequest(
        server.model,
        messages,
        system=probe.system,
        parameters=probe.parameters,
        schema=probe.schema,
        tools=probe.tools,
    )
    frames: list[WireFrame] = []

    def apply(event: Event) -> None:
        fold.apply(event)
        if isinstance(event, WireFrame):
            frames.append(event)

    await provider.stream(request, apply)
    return Probed(probe, fold.snapshot(), tuple(frames))
