"""The faults in the data of an imported conversation, as phrases for the person."""

DATA_FAULTS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""The errors that data of any shape can raise while it is read."""

_TYPE = "a field has an unexpected type"


class BadData(ValueError):
    """Invalid data; the message is the reason, as a phrase for the person."""


def fault_in_words(error: BaseException) -> str:
    """The reason as a phrase, without Python's terms."""
    match error:
        case BadData():
            return str(error)
        case KeyError(args=(str() as name, *_)):
            return f"the field `{name}` is missing"
        case UnicodeError():
            return "a text is not valid Unicode"
        case RecursionError():
            return "it is nested too deeply"
        case ArithmeticError():
            return "a number is out of range"
        case ValueError() if str(error):
            return str(error)
        case OSError() if error.strerror:
            return error.strerror
    return _TYPE
