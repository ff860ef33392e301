"""Numbers of any size, wherever one can be set: within their limits, or refused in words."""

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import strategies as st

from replyscope.cli.parser import build_parser
from replyscope.config.settings import parse_settings
from replyscope.domain.errors import ParameterFault, SettingsError
from replyscope.domain.session import Parameters
from replyscope.engine.parameter_texts import with_typed
from replyscope.provider.catalogue import load_catalogue
from tests.hostile.bounds import examine
from tests.support.suite import Suite

_TEXTS = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.floats().map(str),
    st.sampled_from((
        "100000000", "2147483648", "9223372036854775808", "-1", "0", "1e999", "-1e999", "nan",
        "inf", "1e-400", "9" * 5_000, "0x10", "1_000", "٣", "", " ", "1.5", "--", "10" * 30,
        "65536",
    )),
)  # fmt: skip
_OPTIONS = {
    "--n": ["ask", "hi"],
    "--max-tokens": ["ask", "hi"],
    "--temperature": ["ask", "hi"],
    "--port": ["mock", "x"],
    "--speed": ["mock", "x"],
    "--limit": ["sessions", "search", "x"],
}
_PROVIDER = '[providers.a]\nbase_url = "http://h.test/v1"\n'
_SETTINGS = {
    "max_retries": _PROVIDER,
    "timeout_s": _PROVIDER,
    **dict.fromkeys(
        ("max_tokens", "temperature", "top_p", "seed", "n"),
        _PROVIDER + "[providers.a.parameters]\n",
    ),
    **dict.fromkeys(("rounds", "max_output", "budget_tokens", "budget_usd"), "[tools]\n"),
    "max": '[[rule]]\nwhen = "finish:stop"\ndo = "stop"\n',
}


def _reads_option(option: str, text: str) -> bool:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            build_parser().parse_args([*_OPTIONS[option], f"{option}={text}"])
    except SystemExit:
        why = said.getvalue()
    else:
        return True
    assert f"argument {option}: must be a" in why
    assert "between" in why
    return False


def _reads_setting(name: str, text: str) -> bool:
    try:
        settings = parse_settings(f"{_SETTINGS[name]}{name} = {text}\n", Path("s.toml"))
    except SettingsError:
        return False
    return not settings.rule_faults


def test_every_number_is_within_its_limits_or_refused_in_words(suite: Suite) -> None:
    taken = 0

    def check(text: str) -> None:
        nonlocal taken
        for option in _OPTIONS:
            taken += _reads_option(option, text)
        for name in _SETTINGS:
            taken += _reads_setting(name, text)
        for name in ("max_tokens", "seed", "n", "temperature", "top_p"):
            with contextlib.suppress(ParameterFault):
                with_typed(Parameters(), load_catalogue(), name, text)

    tried = examine(suite, _TEXTS, 2_000, check)
    suite.say(
        f"{tried:,} numbers in {len(_OPTIONS) + len(_SETTINGS)} places: {taken:,} within limits"
    )


@pytest.mark.parametrize("option", [*_OPTIONS])
def test_a_number_that_no_server_could_mean_is_refused(option: str) -> None:
    assert not _reads_option(option, "100000000000")
    assert not _reads_option(option, "nan")


@pytest.mark.parametrize("name", [*_SETTINGS])
def test_a_setting_that_no_server_could_mean_is_refused(name: str) -> None:
    assert not _reads_setting(name, "1" + "0" * 30)
    assert not _reads_setting(name, "nan")
