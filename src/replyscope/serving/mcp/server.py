"""An MCP server over standard input and output. It offers tools that only read.

Only this module and `toolbox` use the MCP SDK.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.reading_tool import ReadingTool

_LONGEST_FAULT = 500


async def serve_stdio(
    name: str, version: str, instructions: str, tools: Sequence[ReadingTool]
) -> None:
    """Answer one client until it closes standard input."""
    server = _server(name, version, instructions, tools)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _server(
    name: str, version: str, instructions: str, tools: Sequence[ReadingTool]
) -> "Server[Any]":
    by_name = {tool.name: tool for tool in tools}
    listed = [_listed(tool) for tool in tools]
    one_at_a_time = asyncio.Lock()

    async def list_tools(_context: Any, _asked: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=listed)

    async def call_tool(_context: Any, asked: CallToolRequestParams) -> CallToolResult:
        tool = by_name.get(asked.name)
        if tool is None:
            return _fault(f"There is no tool {asked.name}. There are: {', '.join(by_name)}.")
        arguments = asked.arguments or {}
        wrong = _wrong(tool, arguments)
        if wrong:
            return _fault(wrong)
        async with one_at_a_time:  # an answer may take seconds of the processor
            try:
                answer = dict(await tool.read(arguments))
            except ReplyscopeError as error:
                return _fault(str(error))
        text = TextContent(type="text", text=json.dumps(answer))
        return CallToolResult(content=[text], structured_content=answer)

    return Server(
        name,
        version=version,
        instructions=instructions,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _listed(tool: ReadingTool) -> Tool:
    return Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=dict(tool.schema),
        output_schema={"type": "object"},
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


def _wrong(tool: ReadingTool, arguments: Mapping[str, Any]) -> str:
    """The first fault of the arguments against the schema; empty without one."""
    validator = Draft202012Validator(dict(tool.schema))
    faults = sorted(validator.iter_errors(dict(arguments)), key=lambda one: str(one.path))
    if not faults:
        return ""
    place = ".".join(map(str, faults[0].path))
    return f"The argument{f' {place}' if place else 's'} can't be used: {faults[0].message}"


def _fault(why: str) -> CallToolResult:
    text = TextContent(type="text", text=why[:_LONGEST_FAULT])
    return CallToolResult(content=[text], is_error=True)
