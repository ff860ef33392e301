"""The commands of providers and models, and the first run: choices by number."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from replyscope.domain.endpoint import Endpoint, FoundServer
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import SENDABLE, Api
from replyscope.domain.local_models import LocalModel
from replyscope.domain.model_names import LOCAL, ModelName
from replyscope.domain.printable import printable_line
from replyscope.engine.model_choices import ModelChoices
from replyscope.engine.model_entries import ModelEntry, list_entries
from replyscope.engine.provider_choice import ProviderChoice, ProviderKind, known_providers
from replyscope.inspection.figures import size
from replyscope.inspection.model_row import describe_model
from replyscope.linear.desk import LinearDesk

_MOST_MODELS = 40
Row = tuple[str, Callable[[LinearDesk], ProviderChoice | None]]
"""A row of the list of providers, and the questions that it leads to."""


def choose_target(desk: LinearDesk) -> None:
    """Choose what is missing before a message can be sent: a provider or a model."""
    if desk.targets.endpoint is None:
        choose_provider(desk)
    else:
        choose_model(desk)


def choose_provider(desk: LinearDesk, _argument: str = "") -> None:
    """Choose a provider: a server that was found, an API key, a URL, or the embedded model."""
    desk.say("note", "looking for servers on this machine")
    found = desk.run(desk.services.find_servers())
    rows = _rows(desk, found)
    chosen = desk.terminal.choose("Where should your messages go?", [text for text, _ in rows])
    if chosen is None:
        desk.say("note", "No provider is chosen. /provider asks again.")
        return
    try:
        choice = rows[chosen][1](desk)
    except (KeyboardInterrupt, EOFError):
        choice = None
    if choice is not None:
        use_choice(desk, choice)


def _rows(desk: LinearDesk, found: Sequence[FoundServer]) -> list[Row]:
    """The providers: servers that were found are first, the embedded models last."""
    rows: list[Row] = [(_server_text(server), _chosen(_server_choice(server))) for server in found]
    for name, origin in known_providers(desk.services.settings, desk.services.environment):
        chosen = ProviderChoice(ProviderKind.PROVIDER, name)
        rows.append((f"Provider {name}, {origin}", _chosen(chosen)))
    rows += [
        ("OpenAI API key, kept in this system's keyring", _ask_key(ProviderKind.KEY_STORED)),
        ("OpenAI API key, kept in memory until you leave", _ask_key(ProviderKind.KEY_HELD)),
        ("Another server, by its URL", _ask_url),
    ]
    for model in desk.services.local.list_models():
        chosen = ProviderChoice(ProviderKind.LOCAL, model.name)
        rows.append((_local_text(model), _chosen(chosen)))
    return [(printable_line(text), ask) for text, ask in rows]


def _server_text(server: FoundServer) -> str:
    models = ", ".join(server.models[:3]) or "no models yet"
    return f"{server.product} at {server.base_url}, models: {models}"


def _server_choice(server: FoundServer) -> ProviderChoice:
    return ProviderChoice(ProviderKind.SERVER, server.base_url, server.product)


def _chosen(choice: ProviderChoice) -> Callable[[LinearDesk], ProviderChoice]:
    return lambda _desk: choice


def _local_text(model: LocalModel) -> str:
    state = "installed" if model.is_installed else f"{size(model.size)} to download"
    return f"Embedded model {model.title}, {state}, no key needed. Good for {model.good_for}."


def _ask_key(kind: ProviderKind) -> Callable[[LinearDesk], ProviderChoice | None]:
    def ask(desk: LinearDesk) -> ProviderChoice | None:
        key = desk.terminal.ask_secret("Your OpenAI API key (it is not shown): ")
        return ProviderChoice(kind, key=key) if key else None

    return ask


def _ask_url(desk: LinearDesk) -> ProviderChoice | None:
    url = desk.terminal.ask("URL of the server, ending in /v1: ").strip()
    if not url:
        return None
    key = desk.terminal.ask_secret("Its API key (Enter if it needs none; it is not shown): ")
    return ProviderChoice(ProviderKind.URL, url, key=key)


def use_choice(desk: LinearDesk, choice: ProviderChoice) -> None:
    """Use a chosen provider, and choose a model if the server has several."""
    if choice.way is ProviderKind.LOCAL:
        start_local(desk, choice.value, is_kept=True)
        return
    note = desk.run(desk.targets.take(desk.conversation, choice))
    desk.apply_settings(desk.conversation.session.settings)
    if note is not None:
        desk.say("note", note)
    if desk.run(_model_or_none(desk)) is None:
        choose_model(desk)
    else:
        say_target(desk)


async def _model_or_none(desk: LinearDesk) -> str | None:
    """The model of the session, after loading the server's list. Raises ReplyscopeError."""
    await desk.targets.load_models()
    model = desk.targets.model_for(desk.conversation)
    await desk.targets.learn_window(model)
    return model


def learn_models(desk: LinearDesk) -> None:
    """Load the server's list of models; an error is reported by the next request."""
    if desk.targets.endpoint is not None:
        try:
            desk.run(_model_or_none(desk))
        except ReplyscopeError as error:
            desk.say("note", printable_line(f"The model list did not load: {error}"))


def say_target(desk: LinearDesk) -> None:
    """Print the model and the provider of the next message."""
    endpoint = desk.targets.endpoint
    model = desk.targets.model_for(desk.conversation)
    if endpoint is None or model is None:
        desk.say("model", "none. /model chooses one")
    else:
        text = f"{model} at {endpoint.name}, {endpoint.api.value} API"
        desk.say("model", printable_line(text))


def choose_model(desk: LinearDesk, name: str = "") -> None:
    """Choose a model of any provider, or a model by its name or alias."""
    if name:
        _use_model(desk, name)
        return
    if desk.targets.endpoint is None:
        choose_provider(desk)
        return
    entries, faults = desk.run(_load_entries(desk))
    for fault in faults:
        desk.say("note", printable_line(fault))
    if not entries:
        desk.say("note", "No server lists models. /model NAME chooses one by its name.")
        return
    rows = [_model_text(entry) for entry in entries]
    if len(rows) > _MOST_MODELS:
        desk.say("note", f"{len(rows)} models, the first {_MOST_MODELS}. /model NAME takes any.")
    chosen = desk.terminal.choose("Models:", rows[:_MOST_MODELS])
    if chosen is not None:
        use_found(desk, desk.targets.relative(entries[chosen].name))


async def _load_entries(desk: LinearDesk) -> tuple[list[ModelEntry], list[str]]:
    """The models of all providers, and a sentence about each list that did not load."""
    targets = desk.targets
    await targets.lists.load_all(targets.endpoints, lambda: None, targets.endpoints[:1])
    known = ModelChoices(targets, desk.services).known(await desk.services.recent_models())
    faults = [
        f"{one.name}: the model list did not load: {found.fault}"
        for one, found in known.lists
        if found.fault
    ]
    return list_entries(known), faults


def _model_text(entry: ModelEntry) -> str:
    about = describe_model(entry.info, entry.rates).replace(" · ", ", ")
    name = f"{entry.alias}, short for {entry.name.model}" if entry.alias else entry.name.model
    mark = "favourite" if entry.is_favourite else ""
    return printable_line(", ".join(filter(None, (name, entry.name.provider, mark, about))))


def _use_model(desk: LinearDesk, name: str) -> None:
    """Use a model, by its name or alias."""
    use_found(desk, desk.targets.find_model(name))


def use_found(desk: LinearDesk, found: ModelName) -> None:
    """Use a model, and the provider that it names."""
    if found.provider == LOCAL:
        start_local(desk, found.model, is_kept=True)
        return
    if found.provider is not None:
        desk.targets.switch_to(desk.conversation, desk.targets.endpoint_named(found.provider))
        learn_models(desk)
    _use_listed(desk, found.model)


def _use_listed(desk: LinearDesk, name: str) -> None:
    endpoint = desk.targets.endpoint
    if endpoint is not None and endpoint.name == LOCAL:
        start_local(desk, name, is_kept=desk.services.settings.provider == LOCAL)
        return
    desk.targets.use_model(desk.conversation, name)
    desk.apply_settings(desk.conversation.session.settings)
    say_target(desk)


def start_local(
    desk: LinearDesk, name: str, *, is_kept: bool = False, is_first: bool = False
) -> None:
    """Start the embedded model, installed if necessary. `is_kept` saves it as the default; with
    `is_first` a session that has its own provider keeps it.
    """
    endpoint = desk.run(_start_local(desk, name))
    use = desk.targets.start_with if is_first else desk.targets.use
    use(desk.conversation, replace(endpoint, api=desk.services.api or endpoint.api))
    desk.apply_settings(desk.conversation.session.settings)
    if is_kept and not desk.conversation.is_private:
        desk.services.change_settings({("provider",): LOCAL, ("local_model",): name})
    learn_models(desk)
    say_target(desk)


async def _start_local(desk: LinearDesk, name: str) -> Endpoint:
    local = desk.services.local
    models = {model.name: model for model in local.list_models()}
    if name in models and not models[name].is_installed:
        last = ""
        async for progress in local.install(name):
            share = 10 * (10 * progress.done // progress.total) if progress.total else 0
            text = f"{progress.step}, {share} %"
            if text != last:
                desk.say("install", text)
            last = text
    desk.say("note", f"starting {name}")
    return await local.start(name)


def choose_api(desk: LinearDesk, name: str = "") -> None:
    """Switch between Chat and Responses for this provider, from the next message."""
    endpoint = desk.targets.endpoint
    if endpoint is None:
        choose_provider(desk)
        return
    if not name:
        rows = ["chat, /v1/chat/completions", "responses, /v1/responses"]
        chosen = desk.terminal.choose(f"Wire API, now {endpoint.api.value}:", rows)
        if chosen is None:
            return
        name = SENDABLE[chosen].value
    if name not in SENDABLE:
        raise ReplyscopeError(f"There is no API {name}.", "Type chat or responses.")
    desk.targets.use_api(desk.conversation, Api(name))
    say_target(desk)
