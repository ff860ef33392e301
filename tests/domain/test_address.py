"""Base URLs as they are pasted, and what requests make of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.address import PATHS, AddressError, BaseUrl, read_base_url, without_login

HOST = "http://host.example:8080/v1"
ENDINGS = ("/chat/completions", "/completions", "/responses", "/models", "/embeddings")

UNDERSTOOD = [
    ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
    ("  http://127.0.0.1:8080/v1//\n", "http://127.0.0.1:8080/v1"),
    ('"http://127.0.0.1:8080/v1/"', "http://127.0.0.1:8080/v1"),
    ("“http://127.0.0.1:8080/v1”", "http://127.0.0.1:8080/v1"),
    ("<http://127.0.0.1:8080/v1>,", "http://127.0.0.1:8080/v1"),
    ("\ufeffhttp://127.0.0.1:8080/v1\u200b", "http://127.0.0.1:8080/v1"),
    ("http://127.0.0.1:8080//v1", "http://127.0.0.1:8080/v1"),
    ("http:/127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ("http:///127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ("http:127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ("http//127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ("http:\\\\127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ("HTTP://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ("http://https://api.example.com/v1", "https://api.example.com/v1"),
    ("127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ("//127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ("localhost:8080/v1", "http://localhost:8080/v1"),
    ("[::1]:8080/v1", "http://[::1]:8080/v1"),
    ("192.168.1.5:8080/v1", "http://192.168.1.5:8080/v1"),
    ("my-box:8080/v1", "http://my-box:8080/v1"),
    ("llm_server:8080/v1", "http://llm_server:8080/v1"),
    ("box.local:8080/v1", "http://box.local:8080/v1"),
    ("api.example.com/v1", "https://api.example.com/v1"),
    ("api.example.com:8443/v1", "https://api.example.com:8443/v1"),
    ("http://0.0.0.0:8000/v1", "http://127.0.0.1:8000/v1"),
    ("http://[::]:8000/v1", "http://[::1]:8000/v1"),
    ("http://host.example/v1#/chat", "http://host.example/v1"),
    ("http://host.example/v1?api-version=1&a=b", "http://host.example/v1?api-version=1&a=b"),
    ("http://host.example/v1/models?a=b#c", "http://host.example/v1?a=b"),
    ("http://host.example/v1/models/gpt-4", "http://host.example/v1"),
    ("http://host.example/v1/models/org/gpt-4", "http://host.example/v1"),
    ("http://host.example/v1/responses/resp_123", "http://host.example/v1"),
    ("http://host.example/v1/chat", "http://host.example/v1"),
    ("http://host.example/models/v1", "http://host.example/models/v1"),
    ("http://host.example/chat/v1", "http://host.example/chat/v1"),
    ("http://me:pass@host.example/v1/models", "http://me:pass@host.example/v1"),
    ("localhost:11434", "http://localhost:11434/v1"),
    ("http://localhost:11434/api/chat", "http://localhost:11434/v1"),
    ("http://localhost:11434/api", "http://localhost:11434/v1"),
    ("http://ollama:11434/v1/chat/completions", "http://ollama:11434/v1"),
    ("http://localhost:1234", "http://localhost:1234/v1"),
    ("https://api.openai.com", "https://api.openai.com/v1"),
    ("api.openai.com/", "https://api.openai.com/v1"),
    ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
    ("https://openrouter.ai", "https://openrouter.ai/api/v1"),
    ("https://openrouter.ai/api", "https://openrouter.ai/api/v1"),
    ("https://openrouter.ai/v1", "https://openrouter.ai/api/v1"),
    ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1"),
    ("https://api.groq.com/openai/v1/models", "https://api.groq.com/openai/v1"),
    ("https://api.groq.com/openai", "https://api.groq.com/openai/v1"),
    (
        "https://generativelanguage.googleapis.com/v1beta/openai/",
        "https://generativelanguage.googleapis.com/v1beta/openai",
    ),
    (
        "https://generativelanguage.googleapis.com/v1beta",
        "https://generativelanguage.googleapis.com/v1beta/openai",
    ),
    ("https://api.deepseek.com", "https://api.deepseek.com"),
    ("https://api.perplexity.ai/chat/completions", "https://api.perplexity.ai"),
    ("https://x.openai.azure.com", "https://x.openai.azure.com/openai/v1"),
    ("https://x.openai.azure.com/openai/v1/", "https://x.openai.azure.com/openai/v1"),
    (
        "https://x.services.ai.azure.com/models/chat/completions?api-version=2024-05-01",
        "https://x.services.ai.azure.com/models?api-version=2024-05-01",
    ),
]


@pytest.mark.parametrize(("pasted", "used"), UNDERSTOOD)
def test_a_pasted_base_url_is_understood(pasted: str, used: str) -> None:
    assert read_base_url(pasted) == BaseUrl(used)


@pytest.mark.parametrize(("pasted", "used"), UNDERSTOOD)
def test_what_was_understood_stays_as_it_is(pasted: str, used: str) -> None:
    assert read_base_url(used) == BaseUrl(used)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("tail", ["", "/", "//", "?a=b", "#top", " "])
def test_an_api_path_at_the_end_is_taken_off(ending: str, tail: str) -> None:
    query = tail if tail.startswith("?") else ""
    assert read_base_url(HOST + ending + tail).base_url == HOST + query
    assert read_base_url(HOST + ending + ending + tail).base_url == HOST + query


@pytest.mark.parametrize("host", PATHS)
@pytest.mark.parametrize("ending", ["", *ENDINGS])
def test_a_known_servers_path_is_completed_and_kept(host: str, ending: str) -> None:
    whole = f"https://{host}{PATHS[host]}"
    assert read_base_url(host).base_url == whole
    assert read_base_url(whole + ending).base_url == whole


@pytest.mark.parametrize(
    ("pasted", "model"),
    [
        ("/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", "gpt-4o"),
        ("/openai/deployments/my%20own?api-version=2024-10-21", "my own"),
    ],
)
def test_an_azure_deployment_gives_its_version_and_its_model(pasted: str, model: str) -> None:
    root = "https://x.openai.azure.com"
    assert read_base_url(root + pasted) == BaseUrl(root, "2024-10-21", model)


@pytest.mark.parametrize("path", ["", "/", "/openai", "/openai/v1", "/openai/deployments/x"])
def test_an_azure_root_is_found_in_what_was_pasted(path: str) -> None:
    root = "https://x.openai.azure.com"
    assert read_base_url(root + path, is_azure=True).base_url == root


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "   ",
        "http://",
        "https://",
        "http:///",
        "ftp://host/v1",
        "ws://host/v1",
        "file:///etc/passwd",
        "socks5://127.0.0.1:1080",
        "http://host name/v1",
        "http://host/v1 chat",
        "http://ho\u200bst/v1",
        "http://host/\x1b[31m",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://host:0/v1",
        "http://[::1/v1",
        "http://[nonsense]/v1",
        "http://<your-host>/v1",
        "http://{host}/v1",
        "http://.../v1",
        "http://-host/v1",
        "http://" + "a" * 64 + "/v1",
        "curl https://api.openai.com/v1",
    ],
)
def test_what_is_no_base_url_is_refused_in_a_sentence(pasted: str) -> None:
    with pytest.raises(AddressError) as refused:
        read_base_url(pasted)
    assert str(refused.value).startswith("The base URL ")
    assert str(refused.value).endswith(".")
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "http://me:{}@host/v1",
        "http://{}@host/v1",
        "ftp://me:{}@host/v1",
        "http:/me:{}@host/v1",
        "me:{}@host/v1",
        "me:{}@host:port/v1",
        "http://me:{}@ho st/v1",
        "http://me:{}/x@host:port/v1",
        "http://host/v1?key={}",
        "http://host:port/v1?key={}",
        "http://host/v1#{}",
        "socks5://me:{}@127.0.0.1:1080",
        "http://me:{}@[nonsense]/v1",
    ],
)
def test_a_password_is_in_no_refusal(text: str) -> None:
    pasted = text.format("pa55!")
    assert "pa55" not in without_login(pasted) + refusal(pasted)
    assert "ho" in without_login(pasted) or "127" in without_login(pasted) or "nons" in text


def refusal(text: str) -> str:
    """The sentence in which a text is refused; empty when it is understood."""
    try:
        read_base_url(text)
    except AddressError as error:
        return str(error)
    return ""


@given(st.text(max_size=60) | st.text("htps:/\\.@[]?#%v1 0", max_size=40))
def test_any_text_is_understood_for_good_or_refused(text: str) -> None:
    if refused := refusal(text):
        assert refused.startswith("The base URL ")
        return
    found = read_base_url(text)
    assert found.base_url.startswith(("http://", "https://"))
    assert read_base_url(found.base_url).base_url == found.base_url
