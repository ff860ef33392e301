"""Spending limits: estimates what a request costs, and asks before one that would pass a limit.

Every request for a reply passes `Spending.allow`: `Turn` calls it before each one, so limits
hold for retries, queued messages, rounds of tools and rules too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, time
from enum import Enum, StrEnum
from functools import partial
from typing import Protocol

from replyscope.domain.errors import OverLimit
from replyscope.domain.exchange import Api, Exchange
from replyscope.domain.message import Message
from replyscope.domain.model_names import LOCAL
from replyscope.domain.ports import Clock, NewId, PriceList
from replyscope.domain.rates import Rates
from replyscope.domain.session import SessionSettings
from replyscope.domain.spending import Committed, Reservation, SpendingLimits
from replyscope.domain.tool import Tool
from replyscope.domain.values import dataclass
from replyscope.engine.live_reply import Target
from replyscope.inspection.context import fit_into
from replyscope.inspection.figures import dollars

_CHARACTERS_PER_TOKEN = 4
_MOST_TITLE = 60


class Period(StrEnum):
    """The period of a limit, as the settings name it."""

    SESSION = "session"
    DAY = "day"


class SpendingAnswer(Enum):
    """The person's answer: send nothing, send this request, or do not ask again."""

    NO = "no"
    ONCE = "once"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Price:
    """The estimated price of a request. `usd` is None when the model's price is unknown;
    `output_limit` is None when the request has no limit of output tokens.
    """

    model: str
    input_tokens: int
    output_limit: int | None
    usd: float | None

    @property
    def sentence(self) -> str:
        """The estimate in one sentence."""
        tokens = f"≈{self.input_tokens:,} input tokens"
        if self.usd is None:
            return f"The price of {self.model} is unknown ({tokens})."
        if self.output_limit is None:
            return f"This request costs {dollars(self.usd)} and its reply ({tokens}, no limit)."
        return (
            f"This request costs up to {dollars(self.usd)} "
            f"({tokens}, {self.output_limit:,} output tokens at most)."
        )


@dataclass(frozen=True, slots=True)
class Overrun:
    """A request that would pass a limit. `spent_usd` includes the requests that still run."""

    session_id: str
    session_title: str
    period: Period
    limit_usd: float
    spent_usd: float
    price: Price

    @property
    def title(self) -> str:
        """The question."""
        what = "this session" if self.period is Period.SESSION else "today"
        return f"Pass the spending limit of {what}?"

    @property
    def note(self) -> str:
        """The known facts, in sentences."""
        name = self.session_title
        name = name if len(name) <= _MOST_TITLE else f"{name[:_MOST_TITLE]}…"
        where = f"in “{name}”" if self.period is Period.SESSION else "today"
        spent = f"{dollars(self.spent_usd)} of {dollars(self.limit_usd)} are spent {where}."
        return f"{spent} {self.price.sentence}"

    @property
    def choices(self) -> tuple[tuple[SpendingAnswer, str, str], ...]:
        """The answers, each with a word and an explanation. The first one sends nothing."""
        until = "in this session" if self.period is Period.SESSION else "today"
        return (
            (SpendingAnswer.NO, "do not send", f"[limits] {self.period} stays the limit"),
            (SpendingAnswer.ONCE, "send", "this request"),
            (SpendingAnswer.ALWAYS, "send all", f"and do not ask again {until}"),
        )


AskOverrun = Callable[[Overrun], Awaitable[SpendingAnswer]]


async def refuse(_over: Overrun) -> SpendingAnswer:
    """The answer when no person can be asked."""
    return SpendingAnswer.NO


async def say_yes(_over: Overrun) -> SpendingAnswer:
    """The answer with --over-limit."""
    return SpendingAnswer.ONCE


class Reserved:
    """The price of a request that runs. It counts as spent until `release`, in every process."""

    def __init__(self, release: Callable[[], Awaitable[None]]) -> None:
        self._release = release

    async def release(self) -> None:
        """End the reservation: the cost is saved now, or the request was not sent."""
        await self._release()


class Reserve(Protocol):
    """Reserves the costs of requests: see engine/ledgers.py."""

    async def reserve(self, wanted: Reservation, since: datetime, *, is_private: bool) -> Committed:
        """Add a reservation. Returns what was committed before it. Raises StoreError."""

    async def release(self, reservation_id: str, *, is_private: bool) -> None:
        """Delete a reservation."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A request before it is built: its session, target, messages and tools.

    `requests` is the number of requests, `replies` the number of requested choices.
    """

    session_id: str
    session_title: str
    settings: SessionSettings
    spent_usd: float | None
    target: Target
    messages: Sequence[Message]
    exchanges: Mapping[str, Exchange]
    tools: Sequence[Tool] = ()
    is_single: bool = False
    is_private: bool = False

    @property
    def counts(self) -> tuple[int, int]:
        """The number of requests, and the number of replies."""
        replies = 1 if self.is_single else self.target.parameters(self.settings).n or 1
        return (1 if self.target.provider.api is Api.CHAT else replies), replies


class Spending:
    """Checks requests against the limits. `limits` is called for each request.

    `ask` asks the person, `note` reports a sentence, `ledgers` has the costs and reservations of
    all processes. `was_refused` is whether a request was refused.
    """

    ledgers: Reserve

    def __init__(
        self,
        limits: Callable[[], SpendingLimits],
        prices: PriceList,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self.ask: AskOverrun = refuse
        self.note: Callable[[str], None] = lambda _sentence: None
        self.was_refused = False
        self._limits = limits
        self._prices = prices
        self._clock = clock
        self._new_id = new_id
        self._accepted: set[tuple[Period, str]] = set()
        self._noted: set[str] = set()
        self._asking = asyncio.Lock()

    def limits(self, target: Target) -> bool:
        """Whether a limit is set for requests to a target. Embedded models cost nothing."""
        return self._limits().is_set and target.endpoint.name != LOCAL

    async def allow(self, planned: Planned) -> Reserved:
        """Reserve the price of a request, and return when it may be sent. Raises OverLimit,
        StoreError.
        """
        limits = self._limits()
        price = await self._price(planned)
        midnight = self._midnight()
        wanted = Reservation(
            self._new_id(), planned.session_id, price.usd or 0.0, self._clock.now()
        )
        is_private = planned.is_private
        committed = await self.ledgers.reserve(wanted, midnight, is_private=is_private)
        reserved = Reserved(partial(self.ledgers.release, wanted.id, is_private=is_private))
        spent_here = (planned.spent_usd or 0.0) + committed.session_usd
        periods = (
            (Period.SESSION, limits.session_usd, spent_here),
            (Period.DAY, limits.day_usd, committed.day_usd),
        )
        try:
            for period, limit, spent in periods:
                if limit is not None and _is_over(limit, spent, price):
                    key = planned.session_id if period is Period.SESSION else str(midnight)
                    over = Overrun(
                        planned.session_id, planned.session_title, period, limit, spent, price
                    )
                    await self._confirm(over, key)
            if price.usd is None:
                self._note_unknown(price.model)
        except BaseException:
            await reserved.release()
            raise
        return reserved

    async def _confirm(self, over: Overrun, key: str) -> None:
        async with self._asking:  # "send all" also answers the questions that wait
            if (over.period, key) in self._accepted:
                return
            answer = await self.ask(over)
            if answer is SpendingAnswer.ALWAYS:
                self._accepted.add((over.period, key))
        if answer is SpendingAnswer.NO:
            self.was_refused = True
            raise OverLimit(
                f"The request was not sent: it would pass the spending limit of "
                f"{dollars(over.limit_usd)} ([limits] {over.period}).",
                over.note,
            )

    def _note_unknown(self, model: str) -> None:
        """Report once that a model has no known price: its replies never reach a limit."""
        if model not in self._noted:
            self._noted.add(model)
            self.note(
                f"The price of {model} is unknown: its replies do not count for [limits]. "
                "[prices] sets one."
            )

    def _midnight(self) -> datetime:
        """The start of the local day."""
        today = self._clock.now().astimezone().date()
        return datetime.combine(today, time()).astimezone()  # the offset may change in a day

    async def _price(self, planned: Planned) -> Price:
        target = planned.target
        rates = await self._rates(target)
        tokens = _input_tokens(planned)
        limit = target.parameters(planned.settings).max_tokens
        requests, replies = planned.counts
        usd = None
        if rates.input is not None or rates.output is not None:
            usd = rates.cost(tokens * requests, (limit or 0) * replies, 0)
        return Price(target.model, tokens, limit, usd)

    async def _rates(self, target: Target) -> Rates:
        endpoint = target.endpoint
        found = await self._prices.rates(endpoint.name, endpoint.base_url, (target.model,))
        return found.get(target.model, Rates())


def _is_over(limit_usd: float, spent_usd: float, price: Price) -> bool:
    """Whether the request would pass the limit. When it is reached, each request passes it."""
    return spent_usd >= limit_usd or spent_usd + (price.usd or 0.0) > limit_usd


def _input_tokens(planned: Planned) -> int:
    """The estimated tokens of the request. The usage of the newest reply, if it was reported,
    includes the system prompt and the tools.
    """
    messages = planned.messages[planned.target.leaves_out :]
    known = max((number for number, one in enumerate(messages, 1) if one.sources), default=0)
    new = tuple(part for message in messages[known:] for part in message.parts)
    tokens = fit_into(messages[:known], planned.exchanges, new, 0, planned.settings).tokens
    if known:
        return tokens
    settings = planned.settings
    texts = [settings.system or "", settings.schema.text if settings.schema is not None else ""]
    texts += [f"{tool.name}{tool.description}{tool.schema}" for tool in planned.tools]
    return tokens + sum(map(len, texts)) // _CHARACTERS_PER_TOKEN
