"""Normalises web addresses, and lists the other readings of an address.

Two addresses of the same page have the same normal form: lower-case scheme and host, no
default port, no dot segments, no unnecessary percent-encoding.
"""

import ipaddress
import re
import unicodedata
from urllib.parse import unquote

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_ADDRESS = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)", re.DOTALL)
_SLOPPY = re.compile(r"\s*(https?|wss?|ftp):[/\\]*", re.IGNORECASE)
_NUMBER = r"(?:0[xX][0-9a-fA-F]*|[0-9]+)"
_NUMERIC_HOST = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}){{0,3}}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNSAFE = re.compile(r'[^\x21-\x7e]|["<>`{}]')
_MOST_ROUNDS = 5
_LONGEST = 8_192


def is_web_address(text: str) -> bool:
    """Whether a text begins like an address with a host, also with slashes missing."""
    return bool(_ADDRESS.match(text) or _SLOPPY.match(text))


def normal_address(text: str) -> str:
    """The normal form. Raises ValueError for an invalid address, host or port, and for a user
    name.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"the URL is longer than {_LONGEST:,} characters")
    if any(ord(char) <= 32 or ord(char) == 127 or char == "\\" for char in text):
        raise ValueError("the URL has invalid characters")
    match = _ADDRESS.fullmatch(text.partition("#")[0])
    if match is None:
        raise ValueError("this is not a URL with a host")
    scheme, authority, rest = match.groups()
    if "@" in authority:
        raise ValueError("a URL with a user name is not allowed")
    return f"{scheme.lower()}://{normal_authority(authority, scheme.lower())}{_normal_rest(rest)}"


def normal_authority(authority: str, scheme: str) -> str:
    """Host and port in their normal form. Raises ValueError."""
    bracketed = re.fullmatch(r"(\[[^\]]*\])(?::(.*))?", authority)
    host, port = bracketed.groups() if bracketed else _split_port(authority)
    host = normal_host(host)
    if not port:
        return host
    if not re.fullmatch("[0-9]+", port) or int(port[-6:]) > 65_535 or port[:-6].strip("0"):
        raise ValueError(f"{port[:20]} is not a valid port")
    is_default = int(port) == _DEFAULT_PORTS.get(scheme)
    return host if is_default else f"{host}:{int(port)}"


def _split_port(authority: str) -> tuple[str, str | None]:
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def normal_host(host: str) -> str:
    """A host in lower-case ASCII; an IP address of any notation in its usual form."""
    if host.startswith("["):
        address = ipaddress.IPv6Address(host[1:-1].partition("%")[0])
        mapped = address.ipv4_mapped
        return str(mapped) if mapped is not None else f"[{address.compressed}]"
    host = unicodedata.normalize("NFKC", unquote(host)).lower().replace("\u3002", ".").rstrip(".")
    if not host or re.search(r"[\s/?#@:\\\[\]%\x00-\x20\x7f]", host):
        raise ValueError("the URL has no valid host")
    if _NUMERIC_HOST.fullmatch(host):
        return _numeric_host(host)
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError("the URL's host is not a valid name") from error


def is_ip_address(host: str) -> bool:
    """Whether a host is an address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address, without brackets, is this machine."""
    name = host.lower().removesuffix(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _numeric_host(host: str) -> str:
    """The IPv4 address that the resolver would use: one to four parts, octal, or hex."""
    numbers = [_number(part) for part in host.split(".")]
    if any(number > 255 for number in numbers[:-1]):
        raise ValueError(f"{host} is not a valid IP address")
    value = sum(number << (24 - 8 * at) for at, number in enumerate(numbers[:-1]))
    if numbers[-1] >= 1 << (8 * (5 - len(numbers))):
        raise ValueError(f"{host} is not a valid IP address")
    return str(ipaddress.IPv4Address(value + numbers[-1]))


def _number(part: str) -> int:
    if part[:2] in ("0x", "0X"):
        return int(part[2:] or "0", 16)
    return int(part[:40], 8 if part.startswith("0") else 10)


def _normal_rest(rest: str) -> str:
    """Path and query without dot segments and unnecessary percent-encoding."""
    path, mark, query = rest.partition("?")
    path = without_dots(normal_escapes(path)) or "/"
    return path + mark + normal_escapes(query)


def normal_escapes(text: str) -> str:
    """The text with unnecessary escapes decoded, and the remaining ones in capitals."""

    def decoded(match: re.Match[str]) -> str:
        char = chr(int(match[1], 16))
        return char if _UNRESERVED.fullmatch(char) else match[0].upper()

    def encoded(match: re.Match[str]) -> str:
        return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))

    return _UNSAFE.sub(encoded, _ESCAPE.sub(decoded, text))


def without_dots(path: str) -> str:
    """A path without its `.` and `..` segments, by the rules of RFC 3986."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)


def address_forms(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The exact and the loose readings of an address.

    The exact ones are the readings of a strict server, and of servers that decode, merge slashes
    or drop parameters first; an address without a normal form has none. The loose ones are only
    for rules that forbid: without a user, repaired like in a browser, and fully decoded.
    """
    exact: set[str] = set()
    loose = {text}
    for form in _repaired(text):
        try:
            normal = {normal_address(form), normal_address(_without_double_slashes(form))}
        except ValueError:
            continue
        readings = {reading for one in normal for reading in _server_readings(one)}
        (exact if form == text else loose).update(readings)
        loose.update(unquote(reading) for reading in readings)
    return frozenset(exact), frozenset(loose)


def _repaired(text: str) -> set[str]:
    """The text, and the text after a browser's repairs."""
    plain = re.sub(r"[\t\r\n]", "", text).strip().replace("\\", "/")
    plain = re.sub(r"[\x00-\x20\x7f]", lambda match: f"%{ord(match[0]):02X}", plain)
    plain = _SLOPPY.sub(lambda match: f"{match[1]}://", plain)
    match = _ADDRESS.match(plain)
    if match is None:
        return {text}
    scheme, authority, rest = match.groups()
    return {text, plain, f"{scheme}://{authority.rpartition('@')[2]}{rest}"}


def _without_double_slashes(address: str) -> str:
    """The address with each `//` in its path replaced by `/`, as some servers do first."""
    scheme, mark, rest = address.partition("://")
    path, query_mark, query = rest.partition("?")
    return scheme + mark + re.sub("/{2,}", "/", path) + query_mark + query


def _server_readings(normal: str) -> set[str]:
    """A normal form, and the forms with a further decoded and cleaned path."""
    match = _ADDRESS.match(normal)
    assert match is not None
    scheme, authority, rest = match.groups()
    path, mark, query = rest.partition("?")
    paths = {path}
    for _ in range(_MOST_ROUNDS):
        further = paths | {
            without_dots(changed)
            for known in paths
            for changed in (
                unquote(known),
                re.sub("/{2,}", "/", known),
                re.sub(";[^/]*", "", known),
                known.replace("\\", "/"),
            )
        }
        if further == paths:
            break
        paths = further
    return {f"{scheme}://{authority}{path}{mark}{query}" for path in paths}


def normal_pattern(pattern: str) -> str:
    """The pattern of an address, in the normal form of addresses."""
    scheme, _, rest = pattern.partition("://")
    authority, slash, path = rest.partition("/")
    scheme, authority = scheme.lower(), authority.rpartition("@")[2]
    if authority.startswith("[") and ":" in authority.partition("]")[0]:
        authority = _pattern_authority(authority, scheme).replace("[", "[[]", 1)
    else:
        authority = _pattern_authority(authority, scheme)
    path = normal_escapes(without_dots(slash + path)) if slash else "/"
    return f"{scheme}://{authority}{path}"


def _pattern_authority(authority: str, scheme: str) -> str:
    try:
        return normal_authority(authority, scheme)
    except ValueError:  # it has wildcards
        host, port = _split_port(authority.lower())
        host = host.rstrip(".")
        is_default = port is not None and port == str(_DEFAULT_PORTS.get(scheme))
        return host if port is None or is_default else f"{host}:{port.lstrip('0') or port}"
