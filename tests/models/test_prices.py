"""Own prices come before the price list, and the list is downloaded only on request."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from replyscope.config.settings import parse_settings
from replyscope.domain.exchange import Usage
from replyscope.domain.rates import OwnRates, Rates, own_rates
from replyscope.provider.price_list import use_downloaded
from replyscope.provider.prices import Prices
from tests.cli.run import run_command
from tests.models.test_command_line import providers, write_settings
from tests.models.test_picker import make_two
from tests.support.build import make_exchange
from tests.support.server import Answer, LoopbackServer, error
from tests.ui.app import frame, open_chat, until

FILE = Path("s.toml")
LIST = [
    {
        "id": "openai",
        "name": "OpenAI",
        "api_pattern": "https://api\\.openai\\.com",
        "models": [
            {
                "id": "gpt-test",
                "match": {"equals": "gpt-test"},
                "context_window": 1234,
                "prices": {"input_mtok": 3, "output_mtok": 4},
            }
        ],
    }
]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{}", "s.toml:1: prices.m*.input is missing: the price of a million tokens"),
        ("{ input = 1 }", "prices.m*.output is missing"),
        ("{ input = -1, output = 1 }", "prices.m*.input is -1; it must be between 0 and"),
        ("{ input = nan, output = 1 }", "prices.m*.input is nan; it must be between 0 and"),
        ("{ input = 'x', output = 1 }", "prices.m*.input must be a number."),
        ("{ input = 1, output = 1, cash = 1 }", "cash is not a setting; allowed: input, output"),
        ("5", "prices.m* must be a table."),
    ],
)
def test_a_wrong_price_is_named_and_the_others_work(line: str, sentence: str) -> None:
    text = f"prices.'m*' = {line}\n[prices.good]\ninput = 1\noutput = 0\n"
    settings = parse_settings(text, FILE)
    assert [one.pattern for one in settings.prices] == ["good"]
    (fault,) = settings.entry_faults
    assert fault.startswith("The entry prices.m* is not used: ")
    assert sentence in fault


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("work", "GPT-6-mini", Rates(1, 2)),
        ("home", "gpt-6-mini", Rates(3, 4, 0.5)),
        ("home", "org/gpt-6", None),
        ("home", "llama", None),
    ],
)
def test_a_pattern_is_of_the_model_or_of_the_provider_with_it(
    provider: str, model: str, expected: Rates | None
) -> None:
    text = (
        "[prices.'gpt-6*']\ninput = 3\noutput = 4\ncached = 0.5\n"
        "[prices.'work/gpt*']\ninput = 1\noutput = 2\n"
    )
    assert own_rates(parse_settings(text, FILE).prices, provider, model) == expected


def test_a_reply_costs_what_the_settings_say(server: LoopbackServer, tmp_path: Path) -> None:
    lines = "[prices.'one/m*']\ninput = 100000\noutput = 1000000\n"
    write_settings(tmp_path, f"{providers(server, server)}{lines}")
    done = run_command(tmp_path, "ask", "hi", "--provider", "one", "--json")
    (exchange,) = json.loads(done.stdout)["exchanges"]
    assert exchange["cost"]["amount_usd"] == pytest.approx(5 * 0.1 + 7 * 1)


def test_cached_input_has_its_own_price() -> None:
    assert Rates(10, 20, 1).cost(1_000_000, 500_000, 400_000) == pytest.approx(6 + 0.4 + 10)
    assert Rates(10, 20).cost(1_000_000, 0, 400_000) == pytest.approx(10)
    assert Rates(0, 0).cost(5, 5, 0) == 0


async def test_the_picker_shows_own_prices(server: LoopbackServer, tmp_path: Path) -> None:
    lines = "[prices.'test-*']\ninput = 1.25\noutput = 10\n"
    async with open_chat(make_two(tmp_path, server, server, lines)) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: "one · $1.25 in, $10.00 out per M" in frame(pilot))


def test_the_list_is_refreshed_on_request(server: LoopbackServer, tmp_path: Path) -> None:
    body = json.dumps(LIST).encode()
    server.routes["GET", "/prices.json"] = Answer(content_type="application/json", chunks=[body])
    url = f"{server.base_url}/prices.json"
    done = run_command(tmp_path, "prices", "refresh", "--url", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Prices of 1 model were saved in ")
    assert json.loads((tmp_path / "data" / "prices.json").read_text()) == LIST


async def test_a_downloaded_list_is_used(tmp_path: Path) -> None:
    from genai_prices.data_snapshot import set_custom_snapshot

    file = tmp_path / "prices.json"
    file.write_text(json.dumps(LIST))
    prices = Prices(lambda: (), file)
    try:
        found = await prices.rates("openai", "https://api.openai.com/v1", ["gpt-test", "other"])
        assert found == {"gpt-test": Rates(3, 4, None, 1234), "other": Rates()}
        set_custom_snapshot(None)
        file.write_text("[5]")
        use_downloaded(file)  # a damaged list is not used
    finally:
        set_custom_snapshot(None)
    found = await Prices(lambda: (), file).rates("o", "https://api.openai.com/v1", ["gpt-4.1"])
    assert found["gpt-4.1"].input is not None


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (error(404, "nope"), "can't be downloaded from"),
        (Answer(content_type="application/json", chunks=[b"{}"]), "is not a price list."),
        (Answer(content_type="application/json", chunks=[b'[{"id": 5}]']), "is not a price list."),
        (Answer(content_type="text/html", chunks=[b"<html>"]), "is not a price list."),
        (
            Answer(
                content_type="application/json",
                chunks=[json.dumps([{**LIST[0], "api_pattern": "(["}]).encode()],
            ),
            "is not a price list.",
        ),
    ],
)
def test_what_is_no_price_list_is_refused(
    server: LoopbackServer, tmp_path: Path, answer: Answer, sentence: str
) -> None:
    server.routes["GET", "/prices.json"] = answer
    done = run_command(tmp_path, "prices", "refresh", "--url", f"{server.base_url}/prices.json")
    assert done.returncode in (2, 3, 4)
    assert sentence in done.stderr
    assert not (tmp_path / "data" / "prices.json").exists()


@pytest.mark.parametrize(
    ("entries", "cost"),
    [(["*", "gpt-5"], 12.0), (["gpt-5", "*"], 0.0), (["*", "gpt-5-2025*", "gpt-5"], 12.0)],
)
async def test_the_last_entry_that_matches_any_name_of_the_model_is_used(
    tmp_path: Path, entries: list[str], cost: float
) -> None:
    rates = {"*": Rates(0, 0), "gpt-5": Rates(4, 8), "gpt-5-2025*": Rates(1, 1)}
    prices = Prices(lambda: [OwnRates(name, rates[name]) for name in entries], tmp_path / "no")
    exchange = replace(
        make_exchange(),
        model="gpt-5",
        answered_model="gpt-5-2025-08-07",
        usage=Usage(input_tokens=1_000_000, output_tokens=1_000_000),
    )
    assert await prices.estimate(exchange) == pytest.approx(cost)
