"""Which proxy a request goes through, and what is wrong with one."""

import pytest

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.proxies import VARIABLES, RouteFault, find_proxy, proxy_faults, read_proxy

PROXY = "http://proxy.example:3128"
FAR = "http://far.example/v1"


def proxy_of(url: str, **environment: str) -> str | None:
    found = find_proxy(Endpoint("test", url), environment)
    return None if found is None else found.url


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example", "http://proxy.example"),
        (" 'http://proxy.example:3128/' ", "http://proxy.example:3128"),
        ("HTTP://proxy.example:3128", "http://proxy.example:3128"),
        ("https://proxy.example", "https://proxy.example"),
        ("socks5://127.0.0.1:9", "socks5://127.0.0.1:9"),
        ("socks5h://127.0.0.1:9", "socks5h://127.0.0.1:9"),
        ("socks://127.0.0.1:9/", "socks5://127.0.0.1:9"),
        ("socks://127.0.0.1", "socks5://127.0.0.1:1080"),
        ("SOCKS5://[::1]:9", "socks5://[::1]:9"),
        ("socks5://me:pass@127.0.0.1:9", "socks5://me:pass@127.0.0.1:9"),
    ],
)
@pytest.mark.parametrize("variable", [*VARIABLES, *map(str.upper, VARIABLES)])
def test_a_proxy_is_read_as_people_and_desktops_write_it(
    written: str, used: str, variable: str
) -> None:
    url = FAR.replace("http:", "https:") if "https" in variable.lower() else FAR
    assert proxy_of(url, **{variable: written}) == used


@pytest.mark.parametrize(
    "written",
    [
        "socks4://127.0.0.1:9",
        "ftp://127.0.0.1:9",
        "http://",
        "http://:3128",
        "gar bage",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://[::1:9",
        "://",
        "http://me:pa55/word@127.0.0.1:9",
        "http://me:123#pa55@127.0.0.1:9",
        "socks4://me:pa55@127.0.0.1:9",
    ],
)
@pytest.mark.parametrize("variable", ["ALL_PROXY", "http_proxy"])
def test_a_proxy_that_is_none_names_its_variable_and_no_password(
    written: str, variable: str
) -> None:
    with pytest.raises(RouteFault) as fault:
        proxy_of(FAR, **{variable: written})
    assert str(fault.value).startswith(f"{variable} is ")
    assert str(fault.value).endswith(".")
    assert "pa55" not in str(fault.value)
    assert proxy_faults({variable: written}) == [str(fault.value)]


def test_the_scheme_of_the_url_chooses_and_small_letters_win() -> None:
    assert proxy_of(FAR, HTTPS_PROXY="https.example", ALL_PROXY="all.example") == (
        "http://all.example"
    )
    assert proxy_of(FAR, HTTP_PROXY="big.example", http_proxy="small.example") == (
        "http://small.example"
    )
    assert proxy_of(FAR, http_proxy="", HTTP_PROXY="big.example") == "http://big.example"
    assert proxy_of(FAR, http_proxy=" ", ALL_PROXY="") is None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/v1",
        "http://127.1.2.3/v1",
        "http://localhost:8080/v1",
        "http://LOCALHOST./v1",
        "http://llm.localhost/v1",
        "http://[::1]:8080/v1",
        "http://[::ffff:127.0.0.1]/v1",
    ],
)
def test_this_machine_is_never_reached_through_a_proxy_of_the_environment(url: str) -> None:
    assert proxy_of(url, ALL_PROXY=PROXY, HTTP_PROXY="gar bage") is None


def test_a_proxy_of_the_settings_is_used_whatever_the_environment_says() -> None:
    endpoint = Endpoint("p", "http://127.0.0.1/v1", proxy="socks5://127.0.0.1:9")
    found = find_proxy(endpoint, {"NO_PROXY": "*", "ALL_PROXY": PROXY})
    assert found == read_proxy("socks5://127.0.0.1:9", "The proxy of the provider p")


@pytest.mark.parametrize(
    ("excepted", "host", "is_direct"),
    [
        ("*", "far.example", True),
        ("a.example, *", "far.example", True),
        ("far.example", "far.example", True),
        (".far.example", "far.example", True),
        ("*.far.example", "www.far.example", True),
        ("far.example", "www.far.example", True),
        ("far.example", "notfar.example", False),
        ("example", "far.example", True),
        ("FAR.Example.", "far.example", True),
        (" a.example ,  far.example ", "far.example", True),
        ("a.example far.example", "far.example", True),
        ("a.example;far.example", "far.example", True),
        ('"far.example"', "far.example", True),
        ("far.example:80", "far.example", True),
        ("far.example:8080", "far.example", False),
        ("far.example:8080", "far.example:8080", True),
        ("http://far.example", "far.example", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:80", "10.1.2.3", True),
        ("10.1.2.3:81", "10.1.2.3", False),
        ("10.", "10.1.2.3", True),
        ("192.168.*", "192.168.1.5", True),
        ("192.168.*", "192.169.1.5", False),
        ("::1", "[fd00::1]", False),
        ("[::1]", "far.example", False),
        ("127.0.0.1,localhost,[::1]", "far.example", False),
        ("[fd00::1]", "[fd00::1]", True),
        ("fd00::1", "[fd00::1]", True),
        ("[fd00::1]:80", "[fd00::1]", True),
        ("[fd00::1]:81", "[fd00::1]", False),
        ("fd00::/8", "[fd00::1]", True),
        ("[fd00::]/8", "[fd00::1]", True),
        ("fd00::/8", "[fe80::1]", False),
        ("10.0.0.0/99", "10.1.2.3", False),
        ("[nonsense", "far.example", False),
        ("far*.example", "farther.example", True),
        ("<local>", "intranet", True),
        ("<local>", "far.example", False),
        ("", "far.example", False),
        (",,", "far.example", False),
    ],
)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_exceptions_are_honoured(excepted: str, host: str, is_direct: bool, variable: str) -> None:
    found = proxy_of(f"http://{host}/v1", ALL_PROXY=PROXY, **{variable: excepted})
    assert (found is None) == is_direct
