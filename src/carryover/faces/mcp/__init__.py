"""The MCP server, by which an agent looks up what was done in its project; needs the extra `mcp`."""

from __future__ import annotations

from collections.abc import Callable

from carryover.how_installed import require_mcp


def mcp_server() -> Callable[[], None]:
    """Returns what serves MCP until standard input is closed. Raises UserError (REFUSED) if the SDK is missing."""
    require_mcp()
    from carryover.faces.mcp.server import serve

    return serve
