"""Prints the result of an action: for people, or as JSON for programs."""

import argparse
import json
from collections.abc import Mapping
from typing import Any


def print_result(arguments: argparse.Namespace, fields: Mapping[str, Any], text: str) -> None:
    """Print the fields as JSON with --json, else the text."""
    print(json.dumps(fields) if arguments.json else text, flush=True)
