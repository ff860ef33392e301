"""The commands of presets: choose one, and make one of the open session."""

from dataclasses import replace

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.preset import Preset
from replyscope.domain.printable import printable_line
from replyscope.engine.conversation import Conversation
from replyscope.engine.presets import (
    describe_preset,
    find_preset,
    preset_of,
    save_preset,
    with_preset,
)
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.providers import ProviderCommands
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import LineDialog, PickDialog

_SAVE, _OFF, _REPLACE = "save", "off", "replace"


class PresetCommands:
    """Commands of presets."""

    def __init__(self, desk: Desk, view: ChatView, providers: ProviderCommands) -> None:
        self._desk = desk
        self._view = view
        self._providers = providers

    def preset(self, text: str = "") -> None:
        """Use the preset of a name. `save NAME` makes one of this session, `off` ends it."""
        word, _, name = text.partition(" ")
        try:
            if not text:
                self._choose()
            elif word == _SAVE:
                self.save(name.strip())
            elif text == _OFF:
                self._end()
            else:
                self._use(find_preset(self._desk.services.settings, text))
        except ReplyscopeError as error:
            self._desk.tell(error)

    def _choose(self) -> None:
        presets = self._desk.services.settings.presets
        current = self._desk.conversation.session.settings.preset
        rows = [(one.name, describe_preset(one)) for one in presets]
        rows.append((_SAVE, "make a preset of this session"))
        if current is not None:
            rows.append((_OFF, f"stop using the parameters of {current}"))

        def take(chosen: str) -> None:
            found = self._desk.services.settings.preset(chosen)
            if found is not None:
                self._use(found)
            elif chosen == _SAVE:
                self.save()
            else:
                self._end()

        self._desk.ask_dialog(PickDialog("Presets", rows, current=current), take)

    def _use(self, preset: Preset) -> None:
        """Use a preset: all of it, or nothing if its model or its schema can't be used."""
        desk, conversation = self._desk, self._desk.conversation

        def apply() -> None:
            try:
                settings = with_preset(conversation.session.settings, preset)
            except ReplyscopeError as error:
                desk.tell(error)
                return
            desk.apply_settings(conversation, settings)
            desk.tell(f"preset {preset.name}: applies from the next message.", is_error=False)

        if preset.model is None:
            apply()
            return
        try:
            with_preset(conversation.session.settings, preset)  # its schema may be unreadable
        except ReplyscopeError as error:
            desk.tell(error)
            return
        self._providers.use_found(desk.targets.parse_model(preset.model), apply)

    def _end(self) -> None:
        conversation = self._desk.conversation
        settings = replace(conversation.session.settings, preset=None)
        self._desk.apply_settings(conversation, settings)
        self._desk.tell("preset: off", is_error=False)

    def save(self, name: str = "") -> None:
        """Make a preset of the open session: model, system prompt, parameters, tools, schema."""
        desk, conversation = self._desk, self._desk.conversation
        if not name and not conversation.is_private:
            desk.ask_dialog(LineDialog("Name of the preset"), self.save)
            return
        try:
            preset = preset_of(name, conversation, desk.targets, desk.services.settings)
        except ReplyscopeError as error:
            desk.tell(error)
            return
        if desk.services.settings.preset(name) is None:
            self._write(preset, conversation)
            return

        def decide(answer: str) -> None:
            if answer == _REPLACE:
                self._write(preset, conversation)

        rows = [("keep", "do not replace it"), (_REPLACE, "by this session's values")]
        desk.ask_dialog(PickDialog(f"Replace the preset {printable_line(name)}?", rows), decide)

    def _write(self, preset: Preset, conversation: Conversation) -> None:
        """Save a preset in the settings, and use it."""
        desk = self._desk
        try:
            saved = save_preset(preset, desk.services)
            settings = with_preset(conversation.session.settings, saved)
        except ReplyscopeError as error:
            desk.tell(error)
            return
        desk.apply_settings(conversation, settings)
        desk.tell(f"Saved the preset. “/preset {preset.name}” uses it.", is_error=False)
