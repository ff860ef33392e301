"""Asks a server a few tiny questions, to see how it keeps to its API. Nothing is saved."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.exchange import Api, Exchange, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.domain.fold import ExchangeFold
from replyscope.domain.message import Message, Role, TextPart
from replyscope.domain.ports import Clock, ModelProvider
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import Parameters, Schema

_SCHEMA = Schema(
    "probe",
    '{"type":"object","properties":{"word":{"type":"string"}},"required":["word"],'
    '"additionalProperties":false}',
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One question: what is asked, and the finish reason that a server should give."""

    name: str
    prompt: str
    parameters: Parameters = field(default_factory=lambda: Parameters(max_tokens=200))
    system: str | None = None
    schema: Schema | None = None
    wants: FinishReason | None = None
    choices: int = 1


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
_TWO = Probe("two choices", "Say a number.", Parameters(max_tokens=200, n=2), choices=2)


@dataclass(frozen=True, slots=True)
class Probed:
    """A probe and the exchange that it made."""

    probe: Probe
    exchange: Exchange


async def run_probes(
    provider: ModelProvider, endpoint: Endpoint, model: str, clock: Clock
) -> AsyncGenerator[Probed, None]:
    """Each probe as it is done. A failing server makes failed exchanges, never an error."""
    probes = (*_ALL, _TWO) if provider.api is Api.CHAT else _ALL
    for probe in probes:
        yield Probed(probe, await _run(probe, provider, endpoint, model, clock))


async def _run(
    probe: Probe, provider: ModelProvider, endpoint: Endpoint, model: str, clock: Clock
) -> Exchange:
    now = clock.now()
    fold = ExchangeFold(
        Exchange(
            id="probe",
            api=provider.api,
            endpoint=endpoint.name,
            base_url=endpoint.public_url,
            model=model,
            started_at=now,
            state=ExchangeState.IN_PROGRESS,
            schema=probe.schema.text if probe.schema is not None else None,
            max_tokens=probe.parameters.max_tokens,
        )
    )
    message = Message("probe", Role.USER, (TextPart(probe.prompt),), now)
    request = ModelRequest(
        model,
        (message,),
        system=probe.system,
        parameters=probe.parameters,
        schema=probe.schema,
    )
    async with aclosing(provider.stream(request)) as events:
        async for event in events:
            fold.apply(event)
    return fold.snapshot()
