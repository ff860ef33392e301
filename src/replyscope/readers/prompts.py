"""Readers of other programs' prompts: Open WebUI, templates of llm, and patterns of Fabric.

Texts are converted to the prompts of the library: variables become `{{name}}`, other double
braces are escaped.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from string import Template
from typing import Any

from replyscope.domain.json_text import dump_json, read_bounded_json
from replyscope.domain.prompt import INPUT, escaped, is_prompt_name

_OF_WEBUI = re.compile(r"\{\{\s*(\w[\w .-]*?)\s*(?:\|\s*((?:[^{}]|\{[^{}]*\})*?)\s*)?\}\}")
_PROPERTY = re.compile(r"""([\w-]+)(?:=(\[[^\]]*\]|"(?:[^"\\]|\\.)*"|'[^']*'|[^:\s]+))?""")
_TYPES = {"select": "choice", "number": "number", "range": "number", "checkbox": "yes/no"}
_FILLED_BY_WEBUI = ("CLIPBOARD", "CURRENT_", "USER_")
_LONGEST_NAME = 60
_MAPPED = ("prompt", "system", "model", "defaults", "options", "schema_object", "name")


@dataclass(frozen=True, slots=True)
class ForeignPrompt:
    """A prompt of another program: its name here, the front matter as TOML values, and the body.

    `notes` are sentences about what was left out.
    """

    name: str
    body: str
    front: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def name_from(text: str) -> str:
    """A name that a prompt may have, from any text. Raises ValueError if nothing is left."""
    name = re.sub(r"[^\w.+-]+", "-", text)[:_LONGEST_NAME].strip("-._+")
    if not is_prompt_name(name):
        raise ValueError(f"{text[:_LONGEST_NAME]!r} has no letter or digit for a name")
    return name


def read_open_webui(data: bytes) -> Iterator[ForeignPrompt | str]:
    """The prompts of an export of Open WebUI, and a sentence about each that can't be read.

    Raises ValueError for another file.
    """
    found = read_bounded_json(data)
    entries = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) and "command" in one and "content" in one for one in entries):
        raise ValueError("it is not an export of prompts of Open WebUI")
    for number, entry in enumerate(entries, start=1):
        try:
            yield _of_open_webui(entry)
        except ValueError as error:
            yield f"prompt {number}: {error}"


def _of_open_webui(entry: Mapping[str, Any]) -> ForeignPrompt:
    command, content = entry["command"], entry["content"]
    title = entry.get("title") or entry.get("name") or ""
    if not all(isinstance(one, str) for one in (command, content, title)):
        raise ValueError("its command, title and content must be texts")
    variables: dict[str, dict[str, Any]] = {}
    pieces, at = [], 0
    for one in _OF_WEBUI.finditer(content):
        name = _variable_name(one[1])
        if name is None:
            continue
        pieces += [escaped(content[at : one.start()]), f"{{{{{name}}}}}"]
        at = one.end()
        described = _described(one[1], one[2] or "")
        if name != INPUT and len(described) >= len(variables.get(name, {})):
            variables[name] = described
    front = {"title": title} if title else {}
    body = "".join([*pieces, escaped(content[at:])])
    return ForeignPrompt(name_from(command), body, {**front, "variables": variables})


def _variable_name(text: str) -> str | None:
    name = re.sub(r"\W+", "_", text).strip("_")
    return name if re.fullmatch(r"[^\W\d]\w*", name) else None


def _described(name: str, text: str) -> dict[str, Any]:
    """The entry of a variable from its type and properties: `select:options=["a"]:required`."""
    if name.startswith(_FILLED_BY_WEBUI):
        return {"description": "Open WebUI fills this in itself"}
    if not text:
        return {}
    kind, _, rest = text.partition(":")
    given = {one[1]: _value(one[2]) for one in _PROPERTY.finditer(rest)}
    made: dict[str, Any] = {"type": _TYPES.get(kind.strip(), "text")}
    options = given.get("options")
    if made["type"] == "choice":
        choices = [f"{one}" for one in options] if isinstance(options, list) and options else []
        made = {"type": "choice", "choices": choices} if choices else {"type": "text"}
    default = given.get("default")
    if default is not None:
        made["default"] = _default(made, default)
    elif "required" not in given and made["type"] == "text":
        made["default"] = ""
    about = given.get("placeholder") or given.get("label")
    if isinstance(about, str) and about:
        made["description"] = about
    return {key: one for key, one in made.items() if one is not None}


def _default(made: Mapping[str, Any], value: Any) -> str | None:
    """A default that fits the type; None if it does not."""
    text = dump_json(value) if not isinstance(value, str) else value
    if made["type"] == "choice":
        return text if text in made["choices"] else None
    if made["type"] == "yes/no":
        return {"true": "yes", "false": "no"}.get(text.lower())
    if made["type"] == "number":
        return text if re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII) else None
    return text


def _value(text: str | None) -> Any:
    if text is None:
        return True
    try:
        return read_bounded_json(text)
    except ValueError:
        return text.strip("'\"")


def read_llm_template(name: str, data: bytes) -> ForeignPrompt:
    """A template of llm, by the name of its YAML file. Raises ValueError."""
    found = _read_yaml(data)
    if isinstance(found, str):
        found = {"prompt": found}
    if not isinstance(found, dict) or not {"prompt", "system"} & found.keys():
        raise ValueError("it is not a template of llm: it has neither prompt nor system")
    texts = {key: found.get(key) or "" for key in ("prompt", "system", "model")}
    for key, one in texts.items():
        if not isinstance(one, str):
            raise ValueError(f"{key} must be a text")
    front = {key: texts[key] for key in ("model",) if texts[key]}
    if texts["system"]:
        front["system"] = _of_template(texts["system"])
    for key, kind in (("defaults", dict), ("options", dict), ("schema_object", dict)):
        if not isinstance(found.get(key, {}), kind):
            raise ValueError(f"{key} must be a mapping")
    if found.get("schema_object"):
        front["schema"] = _json(found["schema_object"], "schema_object")
    made: dict[str, Any] = dict(front)
    if found.get("options"):
        given = {f"{key}": one for key, one in found["options"].items()}
        made["parameters"] = {key: one for key, one in given.items() if one is not None}
    defaults = found.get("defaults", {}).items()
    made["variables"] = {
        key: {} if one is None else {"default": one if isinstance(one, str) else f"{one}"}
        for key, one in ((f"{key}", one) for key, one in defaults)
        if _variable_name(key) == key and key != INPUT
    }
    left = [f"{key}" for key in found if key not in _MAPPED]
    notes = (f"left out: {', '.join(left)}",) if left else ()
    body = _of_template(texts["prompt"]) or f"{{{{{INPUT}}}}}"
    return ForeignPrompt(name_from(name), body, made, notes)


def _of_template(text: str) -> str:
    """A text with the variables of string.Template: `$name`, `${name}`, and `$$` for a dollar."""
    pieces, at = [], 0
    for one in Template.pattern.finditer(text):
        name = one["named"] or one["braced"]
        instead = f"{{{{{name}}}}}" if name else "$" if one["escaped"] else one[0]
        pieces += [escaped(text[at : one.start()]), instead]
        at = one.end()
    return "".join([*pieces, escaped(text[at:])])


def _json(value: Any, key: str) -> str:
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{key} can't be JSON ({error})") from error


def _read_yaml(data: bytes) -> Any:
    """The value of a YAML text, without aliases: they can grow without bounds."""
    import yaml  # only for an import

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("aliases in YAML are not read")
            return super().compose_node(parent, index)

    try:
        return yaml.load(data.decode("utf-8-sig"), Loader)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark is not None else ""
        why = getattr(error, "problem", None) or "it is not YAML"
        raise ValueError(f"{line}{why}") from error


def read_pattern(name: str, system: bytes, user: bytes = b"") -> ForeignPrompt:
    """A pattern of Fabric: its system.md, and its user.md if it has one. Raises ValueError.

    A system prompt with a place for the input is the message itself.
    """
    texts = [one.decode("utf-8-sig").replace("\r\n", "\n").strip() for one in (system, user)]
    if re.search(r"\{\{\s*input\s*\}\}", texts[0]):
        return ForeignPrompt(name_from(name), "\n\n".join(filter(None, texts)))
    front = {"system": texts[0]} if texts[0] else {}
    return ForeignPrompt(name_from(name), texts[1] or f"{{{{{INPUT}}}}}", front)
