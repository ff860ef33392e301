"""The lines about a held call: who asks, the end of its messages, and the tools."""

from replyscope.domain.facts import Facts
from replyscope.domain.watched import WatchedRequest
from replyscope.inspection.figures import UNKNOWN

_MOST_OF_A_LINE = 200
_LINES = 6


def held_lines(request: WatchedRequest, facts: Facts) -> list[str]:
    """The lines about a request that waits for a decision."""
    model = ", ".join(facts.names.get("model", ())) or UNKNOWN
    client = request.client.name or UNKNOWN
    said = [line for line in facts.prompt.splitlines() if line.strip()]
    lines = [f"Held: {client}  {model}  {request.method} {request.path}"]
    if len(said) > _LINES:
        lines.append(f"  … {len(said) - _LINES} lines before")
    lines += [f"  {line[:_MOST_OF_A_LINE]}" for line in said[-_LINES:]]
    tools = facts.names.get("tool", ())
    return [*lines, f"  tools: {', '.join(tools)}"[:_MOST_OF_A_LINE]] if tools else lines
