"""Chooses the target of a command: the endpoint and the model."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from replyscope.cli.report import show_progress
from replyscope.cli.wiring import Wiring, with_api
from replyscope.config.endpoints import choose_endpoint, chooses_local, named_in_environment
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import LocalModelError, LocalModelMissing, SettingsError
from replyscope.domain.local_models import LocalModels
from replyscope.domain.model_names import LOCAL, ModelName
from replyscope.domain.ports import ModelProvider
from replyscope.domain.session import SessionSettings
from replyscope.domain.settings import Layers, Settings
from replyscope.engine.live_reply import Target


def resolve_model(arguments: argparse.Namespace, settings: Settings) -> None:
    """Replace an alias in --model by its model, and set its provider unless one is given.

    It is called once: a model may have the name of another alias. Raises SettingsError.
    """
    if arguments.model is not None:
        _use_model(arguments, settings.find_model(arguments.model, _environment_names(settings)))


def use_preset_model(arguments: argparse.Namespace, settings: Settings, model: str | None) -> None:
    """Use the model of a preset or a prompt, unless --model or an embedded model is given.

    Raises SettingsError.
    """
    is_given = arguments.model is not None or arguments.local or arguments.gguf
    if not is_given and model is not None:
        _use_model(arguments, settings.parse_model(model, _environment_names(settings)))


def _environment_names(settings: Settings) -> tuple[str, ...]:
    """The name of the provider of the environment, if there is one."""
    endpoint = named_in_environment(settings)
    return (endpoint.name,) if endpoint is not None else ()


def _use_model(arguments: argparse.Namespace, found: ModelName) -> None:
    arguments.model = found.model
    if arguments.base_url is not None or arguments.provider is not None:
        return
    if found.provider == LOCAL:
        arguments.local = True
    else:
        arguments.provider = found.provider


async def find_target(
    arguments: argparse.Namespace,
    settings: Settings,
    wiring: Wiring,
    session: SessionSettings,
) -> Target:
    """The target of `ask`, for a session, whose provider is used unless the options name one.

    Raises ReplyscopeError if no provider or model can be chosen.
    """
    may_install = arguments.local or arguments.provider == LOCAL
    _use_session_provider(arguments, settings, wiring, session)
    if arguments.local or arguments.gguf or means_local(arguments, settings):
        start = start_local if may_install else start_installed
        endpoint = with_api(await start(arguments, wiring, settings), arguments.api)
    else:
        chosen = choose_endpoint(settings, base_url=arguments.base_url, provider=arguments.provider)
        if chosen is None:
            raise SettingsError(
                "No provider is set.",
                "Set OPENAI_API_KEY, name one with --base-url, or use --local for a model that "
                "needs no key. Run `replyscope` to choose one in the chat.",
            )
        endpoint = with_api(chosen, arguments.api)
    provider = await wiring.providers.open(endpoint)
    own = session.model if session.endpoint in (None, endpoint.name) else None
    model = arguments.model or own or endpoint.model
    if endpoint.name == LOCAL and endpoint.model is not None:
        model = endpoint.model
    model = model or await only_model(endpoint, provider)
    await wiring.providers.check_layers(settings, Layers(model, session.preset))
    return Target(endpoint, provider, model, known=settings)


def _use_session_provider(
    arguments: argparse.Namespace, settings: Settings, wiring: Wiring, session: SessionSettings
) -> None:
    """Set the provider of a session, if it is known and the options name none."""
    is_given = arguments.base_url is not None or arguments.provider is not None
    if is_given or arguments.local or arguments.gguf or session.endpoint is None:
        return
    name = session.endpoint
    if name == LOCAL:
        arguments.local = True
        installed = [one.name for one in wiring.local.list_models() if one.is_installed]
        if arguments.model is None and session.model in installed:
            arguments.model = session.model
    elif settings.endpoint(name) or name in _environment_names(settings):
        arguments.provider = name


def means_local(arguments: argparse.Namespace, settings: Settings) -> bool:
    """Whether the options, or else the settings, choose the embedded model."""
    return chooses_local(settings, base_url=arguments.base_url, provider=arguments.provider)


async def only_model(endpoint: Endpoint, provider: ModelProvider) -> str:
    """The model of a server with exactly one. Raises SettingsError, ProviderError otherwise."""
    models = [model.id for model in await provider.list_models()]
    if len(models) == 1:
        return models[0]
    some = ", ".join(models[:8]) + (", …" if len(models) > 8 else "")
    raise SettingsError(
        f"{endpoint.name} has {len(models)} models. Choose one.",
        f"Use --model: {some}" if models else "Use --model.",
    )


async def start_local(
    arguments: argparse.Namespace, wiring: Wiring, settings: Settings
) -> Endpoint:
    """Start the embedded model. Installs it first if needed, with progress on stderr."""
    local = wiring.local
    if arguments.gguf:
        return await local.start(local.add_own(Path(arguments.gguf)))
    name = embedded_name(arguments, settings, local)
    if not _is_installed(local, name):
        await install_showing_progress(wiring, name)
    return replace(await local.start(name), model=name)


async def start_installed(
    arguments: argparse.Namespace, wiring: Wiring, settings: Settings
) -> Endpoint:
    """Start the embedded model, without a download. Raises LocalModelError."""
    if not arguments.gguf:
        check_installed(embedded_name(arguments, settings, wiring.local), wiring.local)
    return await start_local(arguments, wiring, settings)


def embedded_name(arguments: argparse.Namespace, settings: Settings, local: LocalModels) -> str:
    """The embedded model of --model, or of the settings. Raises LocalModelError."""
    name = arguments.model or settings.local_model or local.default_name
    names = [model.name for model in local.list_models()]
    if name not in names:
        raise LocalModelError(
            f"There is no embedded model {name!r}.",
            f"The models are: {', '.join(names)}. For a model of another provider use "
            "--provider or --base-url.",
        )
    return name


def check_installed(name: str, local: LocalModels) -> None:
    """Raise LocalModelMissing if the weights of an embedded model are not installed."""
    if not _is_installed(local, name):
        raise LocalModelMissing(
            f"The embedded model {name} is not installed.",
            f"Install it first: replyscope local install {name}",
        )


def _is_installed(local: LocalModels, name: str) -> bool:
    return any(model.name == name and model.is_installed for model in local.list_models())


async def install_showing_progress(wiring: Wiring, name: str) -> None:
    """Install weights, with a progress line on stderr."""
    shows_bar = sys.stderr.isatty()
    last_step = ""
    async for progress in wiring.local.install(name):
        share = progress.done / progress.total if progress.total else 0
        if shows_bar:
            bar = ("━" * round(share * 30)).ljust(30, "─")
            show_progress(f"{name} {bar} {share:4.0%} {progress.step}")
        elif progress.step != last_step:
            print(f"{name}: {progress.step}", file=sys.stderr, flush=True)
        last_step = progress.step
    if shows_bar:
        print(file=sys.stderr)
