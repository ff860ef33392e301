"""The command of presets: list them, use one, and make one of the open session."""

from dataclasses import replace

from replyscope.domain.printable import printable_line
from replyscope.engine.presets import (
    describe_preset,
    find_preset,
    preset_of,
    save_preset,
    with_preset,
)
from replyscope.linear.desk import LinearDesk
from replyscope.linear.targets import use_found


def preset(desk: LinearDesk, text: str = "") -> None:
    """List the presets, or use one. `save NAME` makes one of this session, `off` ends it."""
    word, _, name = text.partition(" ")
    if not text:
        _list(desk)
    elif word == "save":
        _save(desk, name.strip())
    elif text == "off":
        desk.apply_settings(replace(desk.conversation.session.settings, preset=None))
        desk.say("preset", "off")
    else:
        found = find_preset(desk.services.settings, text)
        with_preset(desk.conversation.session.settings, found)  # its schema may be unreadable
        if found.model is not None:
            use_found(desk, desk.targets.parse_model(found.model))
        desk.apply_settings(with_preset(desk.conversation.session.settings, found))
        desk.say("preset", printable_line(f"{text}. Applies from the next message."))


def _list(desk: LinearDesk) -> None:
    presets = desk.services.settings.presets
    current = desk.conversation.session.settings.preset
    for one in presets:
        mark = " in use," if one.name == current else ""
        about = describe_preset(one).replace(" · ", ", ")
        desk.say("preset", printable_line(f"{one.name},{mark} {about}"))
    if not presets:
        desk.say("preset", "none. /preset save NAME makes one of this session")


def _save(desk: LinearDesk, name: str) -> None:
    made = preset_of(name, desk.conversation, desk.targets, desk.services.settings)
    is_new = desk.services.settings.preset(name) is None
    if not is_new and not desk.terminal.confirm(printable_line(f"Replace the preset {name}?")):
        return
    saved = save_preset(made, desk.services)
    desk.apply_settings(with_preset(desk.conversation.session.settings, saved))
    desk.say("preset", printable_line(f"{name} was saved. /preset {name} uses it."))
