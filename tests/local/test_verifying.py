"""Weights are the published file when they are loaded, not only when they came."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from replyscope.domain.errors import LocalModelError
from replyscope.local.catalogue import LIGHT, Weights, find_weights, weights_path
from replyscope.local.download import install_weights
from replyscope.local.models import EmbeddedModels
from replyscope.local.verifying import verify_weights

_DATA = b"GGUF" + bytes(range(256)) * 4


def _weights(folder: Path) -> tuple[Path, Weights]:
    digest = hashlib.sha256(_DATA).hexdigest()
    weights = replace(find_weights(LIGHT), size=len(_DATA), sha256=digest)
    path = weights_path(folder, weights)
    path.write_bytes(_DATA)
    return path, weights


def test_the_published_file_is_verified_once(tmp_path: Path) -> None:
    path, weights = _weights(tmp_path)
    verify_weights(path, weights)
    verdict = path.with_suffix(".verified")
    before = verdict.stat().st_mtime_ns
    verify_weights(path, weights)
    assert verdict.stat().st_mtime_ns == before
    assert verdict.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", ["in place", "in place, same time", "replaced", "cut", "longer"])
def test_weights_that_were_changed_are_not_loaded(tmp_path: Path, change: str) -> None:
    path, weights = _weights(tmp_path)
    verify_weights(path, weights)
    times = path.stat()
    other = _DATA[:-1] + b"!"
    match change:
        case "replaced":
            (tmp_path / "new").write_bytes(other)
            os.utime(tmp_path / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
            (tmp_path / "new").replace(path)
        case "cut":
            path.write_bytes(_DATA[:-1])
        case "longer":
            path.write_bytes(_DATA + b"!")
        case _:
            path.write_bytes(other)
            if "same time" in change:
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(LocalModelError, match="differs from the published file"):
        verify_weights(path, weights)


@pytest.mark.parametrize("verdict", ["", "{", "[]", "null", "[" * 900, "true"])
def test_a_verdict_that_is_nonsense_counts_for_nothing(tmp_path: Path, verdict: str) -> None:
    path, weights = _weights(tmp_path)
    path.write_bytes(_DATA[:-1] + b"!")
    path.with_suffix(".verified").write_text(verdict)
    with pytest.raises(LocalModelError, match="differs from the published file"):
        verify_weights(path, weights)


async def test_a_model_with_changed_weights_is_not_started(tmp_path: Path) -> None:
    weights_path(tmp_path, find_weights(LIGHT)).write_bytes(_DATA)
    models = EmbeddedModels(tmp_path, lambda _name, _key: None)
    if models.missing_engine() is not None:
        pytest.skip("the engine is not installed (the `local` extra)")
    with pytest.raises(LocalModelError, match="was not loaded"):
        await models.start(LIGHT)


async def test_installing_replaces_a_file_that_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, weights = _weights(tmp_path)
    steps = [progress.step async for progress in install_weights(tmp_path, weights)]
    assert steps == ["installed"]
    path.write_bytes(b"something else")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(LocalModelError, match="could not be downloaded"):
        async for _ in install_weights(tmp_path, weights):
            pass
    assert not path.exists()


async def test_a_file_that_is_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_text("hello")
    models = EmbeddedModels(tmp_path, lambda _name, _key: None)
    with pytest.raises(LocalModelError, match="is not a GGUF file"):
        models.add_own(tmp_path / "a.gguf")
