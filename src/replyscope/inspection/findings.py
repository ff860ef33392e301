"""Short true sentences about what is odd in an exchange. Pure."""

from replyscope.domain.exchange import Exchange, ExchangeState


def find_oddities(exchange: Exchange) -> tuple[str, ...]:
    """What a person debugging this exchange should know, most telling first."""
    findings = list(exchange.adaptations)
    if not exchange.state.is_terminal:
        return tuple(findings)
    for choice in exchange.choices:
        if choice.finish_reason_raw == "stop" and choice.tool_calls:
            findings.append(f"choice {choice.index} says stop but asks for tools")
        if choice.finish_reason_raw is None and exchange.done_marker:
            findings.append("the stream ended with [DONE] but gave no finish reason")
    if exchange.state is ExchangeState.COMPLETED and exchange.usage is None:
        findings.append("the server reported no usage")
    asked, answered = exchange.model, exchange.answered_model
    if answered is not None and answered != asked and not answered.startswith(asked):
        findings.append(f"asked for {asked}, answered by {answered}")
    return tuple(findings)
