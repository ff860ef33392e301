"""The chats of oterm: a sequence of messages, with images."""

from functools import partial

from replyscope.domain.foreign import ForeignConversation, ForeignTurn, in_a_row, picture_of
from replyscope.domain.import_format import DatabaseFormat
from replyscope.domain.leftovers import Leftovers, as_extras, with_text
from replyscope.domain.loose_json import from_json, text_of
from replyscope.domain.message import ImagePart, Part, Role, TextPart
from replyscope.readers.chat_tables import Fields, count_chats, read_chats

_MESSAGE = frozenset(("id", "chat_id", "author", "text", "images"))
_CHAT = frozenset(("id", "name", "model", "system", "type", "tools", "keep_alive"))


def _chat(chat: Fields, rows: list[Fields]) -> ForeignConversation:
    leftovers = Leftovers()
    turns = in_a_row(_turn(row, str(chat["model"]), leftovers) for row in rows)
    system = text_of(chat.get("system")) or None
    title = text_of(chat["name"])
    about = {name: from_json(one) if isinstance(one, str) else one for name, one in chat.items()}
    leftovers.add_fields(with_text(about, _CHAT), "the chat")
    key = str(chat["id"])
    return ForeignConversation("oterm", key, title, None, turns, system, left_out=leftovers.all)


def _turn(row: Fields, model: str, leftovers: Leftovers) -> ForeignTurn:
    role = Role.USER if str(row["author"]).lower() in ("me", "user") else Role.ASSISTANT
    images = row.get("images")
    listed = from_json(images) if isinstance(images, str) else None
    if images and not isinstance(listed, list):
        leftovers.add("list of images", "it is not JSON")
    pictures = [_image(image, n) for n, image in enumerate(listed or (), start=1)]
    parts: list[Part] = [TextPart(str(row["text"]))] if row["text"] else []
    beside = with_text(row, _MESSAGE)
    if role is Role.USER:
        leftovers.add_fields(beside, "a user message")
    elif any(isinstance(picture, ImagePart) for picture in pictures):
        leftovers.add_image()
    extras = as_extras(beside) if role is Role.ASSISTANT else ()
    return ForeignTurn(str(row["id"]), role, (*parts, *pictures), model=model, extras=extras)


def _image(image: object, number: int) -> ImagePart | TextPart:
    """An image: its base64, or before oterm 0.6 the path of its file."""
    if not isinstance(image, str):
        return TextPart(f"[image {number}]")
    found = picture_of(f"image {number}", image)
    is_path = len(image) < 1_000
    return found or TextPart(f"[image {image}]" if is_path else f"[image {number}]")


OTERM = DatabaseFormat(
    name="oterm",
    title="oterm",
    path="`store.db`",
    content="the database, as a copy if the program is running",
    sniff=lambda tables: {"chat_id", "author", "text"} <= tables.get("message", set()),
    count=count_chats,
    read=partial(read_chats, read=_chat),
)
