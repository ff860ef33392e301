"""The embedded model: real weights, the real engine, in a child process.

Installs from the package index; weights are kept between runs in a cache folder.
"""

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from replyscope.domain.errors import LocalModelError, LocalModelMissing
from replyscope.domain.exchange import ExchangeState
from replyscope.domain.ports import Clock
from replyscope.local.catalogue import CATALOGUE, DEFAULT, LIGHT, find_weights, weights_path
from replyscope.local.download import install_weights
from replyscope.local.models import EmbeddedModels
from replyscope.provider.chat_completions import ChatCompletions
from replyscope.provider.openai_provider import OpenAIProvider
from tests.support.build import Memory, ask, run
from tests.support.weights import place_weights


def test_the_catalogue_is_pinned_and_the_default_is_in_it() -> None:
    names = [weights.name for weights in CATALOGUE]
    assert {DEFAULT, LIGHT} <= set(names)
    for weights in CATALOGUE:
        assert len(weights.sha256) == 64
        assert all("==" in part.requirement for part in weights.parts)


def test_what_is_not_installed_is_said_so(tmp_path: Path) -> None:
    models = EmbeddedModels(tmp_path, lambda _name, _key: None)
    with pytest.raises(LocalModelError, match="no embedded model"):
        asyncio.run(models.start("nope"))
    if models.missing_engine() is None:
        with pytest.raises(LocalModelMissing, match="not installed"):
            asyncio.run(models.start(LIGHT))


@pytest.mark.installs
async def test_weights_are_downloaded_verified_and_put_in_place(
    cached_weights: Path, tmp_path: Path
) -> None:
    weights = find_weights(LIGHT)
    steps = [progress async for progress in install_weights(tmp_path, weights)]
    assert steps[-1].step == "installed"
    assert {step.step for step in steps} >= {"verifying", "installed"}
    data = weights_path(tmp_path, weights).read_bytes()
    assert hashlib.sha256(data).hexdigest() == weights.sha256
    assert not (tmp_path / ".partial" / weights.name).exists()
    assert cached_weights.stat().st_size == weights.size


@pytest.mark.installs
async def test_a_wrong_hash_is_deleted_and_said_so(cached_weights: Path, tmp_path: Path) -> None:
    del cached_weights
    wrong = replace(find_weights(LIGHT), sha256="0" * 64)
    with pytest.raises(LocalModelError, match="has a wrong hash"):
        async for _ in install_weights(tmp_path, wrong):
            pass
    assert not list(tmp_path.rglob("*.gguf"))
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.installs
async def test_a_cancelled_download_goes_on_where_it_was(
    cached_weights: Path, tmp_path: Path
) -> None:
    """A part that came is not fetched again: the second try asks the index for nothing."""
    weights = find_weights(LIGHT)
    async with aclosing(install_weights(tmp_path, weights)) as steps:
        async for _ in steps:
            break
    assert not weights_path(tmp_path, weights).exists()
    part = tmp_path / ".partial" / weights.name / "00.part"
    shutil.copyfile(cached_weights, part)
    told = [progress.step async for progress in install_weights(tmp_path, weights)]
    assert "downloading" not in told
    assert told[-1] == "installed"


async def test_an_index_that_is_out_of_reach_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(LocalModelError, match="could not be downloaded"):
        async for _ in install_weights(tmp_path, find_weights(LIGHT)):
            pass


@pytest.mark.installs
async def test_the_model_answers_through_the_same_provider_and_ends_with_us(
    cached_weights: Path, tmp_path: Path, clock: Clock
) -> None:
    place_weights(tmp_path, cached_weights)
    keys: dict[str, str] = {}
    models = EmbeddedModels(tmp_path, keys.__setitem__)
    endpoint = await models.start(LIGHT)
    process = models._process
    assert process is not None
    memory = Memory()
    provider = OpenAIProvider(
        ChatCompletions(), endpoint, keys["local"], clock, memory.recall, memory.remember
    )
    try:
        request = replace(ask("Say hello."), model=LIGHT)
        request = replace(request, parameters=replace(request.parameters, max_tokens=12))
        exchange = await run(provider, request)
        assert exchange.state is ExchangeState.COMPLETED
        assert exchange.choice(0).text
        assert exchange.usage is not None
        assert exchange.usage.output_tokens
        assert [m.context_window for m in await provider.list_models()] != []
        stranger = OpenAIProvider(
            ChatCompletions(), endpoint, "wrong-key-000", clock, memory.recall, memory.remember
        )
        refused = await run(stranger, request)
        await stranger.aclose()
        assert refused.failure is not None
        assert refused.failure.kind == "authentication"
        if Path("/proc").is_dir():
            listing = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert keys["local"].encode() not in listing
    finally:
        await provider.aclose()
        await models.stop()
    assert process.returncode is not None


@pytest.mark.installs
def test_the_model_dies_with_its_parent(cached_weights: Path, tmp_path: Path) -> None:
    """Killing the parent closes the child's standard input, and that ends it."""
    place_weights(tmp_path, cached_weights)
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from replyscope.local.models import EmbeddedModels\n"
        "async def main():\n"
        f"    models = EmbeddedModels(Path({str(tmp_path)!r}), lambda n, k: None)\n"
        f"    await models.start({LIGHT!r})\n"
        "    print(models._process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = 200
    while deadline and _is_running(child):
        deadline -= 1
        subprocess.run([sys.executable, "-c", "pass"], check=True)
    assert not _is_running(child)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
