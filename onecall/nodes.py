"""The further Asterisk nodes as the setting `ONECALL_NODES` names them."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, dataclass, fields
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_EXAMPLE = '[{"name": "milan", "address": "10.0.2.5", "ami_secret": "…", "home": "/srv/onecall/milan"}]'


@dataclass(frozen=True, slots=True)
class Node:
    """One further Asterisk. `address`: where it speaks SIP with the other nodes, and from where."""

    name: str
    address: str
    sip_port: int = 5060
    ami_host: str = ""
    """Its manager interface; empty: at `address`."""
    ami_port: int = 5038
    ami_user: str = "onecall"
    ami_secret: str = ""
    home: str = ""
    """Its instance folder, as this process sees it: there the agents' phones are written."""

    @property
    def agents_file(self) -> Path:
        """The generated file with the agents' endpoints."""
        return Path(self.home) / "etc" / "pjsip-agents.conf"

    @property
    def survival_spool(self) -> Path:
        """Where its survival script writes."""
        return Path(self.home) / "spool" / "survival"


def check_name(name: str) -> str:
    """A node's name. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a node: a letter, then letters, digits and hyphens, all small")
    return name


def parse_nodes(text: str) -> tuple[Node, ...]:
    """The nodes that the setting names. Raises ValueError with a sentence."""
    if not text.strip():
        return ()
    try:
        entries = json.loads(text)
    except ValueError:
        entries = None
    if not isinstance(entries, list):
        raise ValueError(f"the nodes are a JSON list such as {_EXAMPLE}")
    nodes = tuple(map(_node, entries))
    for what in ("name", "address"):
        said = [getattr(node, what) for node in nodes]
        if twice := sorted({one for one in said if said.count(one) > 1}):
            raise ValueError(f"two nodes have the {what} {twice[0]}")
    return nodes


def _node(entry: Any) -> Node:
    if not isinstance(entry, dict):
        raise ValueError(f"the nodes are a JSON list such as {_EXAMPLE}")
    known = {field.name: field for field in fields(Node)}
    if unknown := sorted(entry.keys() - known.keys()):
        raise ValueError(f"a node has no {unknown[0]!r}; it has {', '.join(known)}")
    name = str(entry.get("name", "without a name"))
    for key, field in known.items():
        if key not in entry:
            if field.default is MISSING:
                raise ValueError(f"the node {name} has no {key}")
        elif type(entry[key]) is not {"str": str, "int": int}[str(field.type)]:
            raise ValueError(f"the {key} of the node {name} is not a {'number' if field.type == 'int' else 'text'}")
    node = Node(**{"ami_host": entry.get("address"), **entry})
    check_name(node.name)
    try:
        IPv4Address(node.address)
    except AddressValueError:
        raise ValueError(f"{node.address!r}, the address of the node {name}, is no IPv4 address") from None
    for port in ("sip_port", "ami_port"):
        if not 1 <= getattr(node, port) <= 65535:
            raise ValueError(f"the {port} of the node {name} is no number from 1 to 65535")
    if bool(node.ami_secret) != bool(node.home) or (node.home and not Path(node.home).is_absolute()):
        raise ValueError(f"the node {name} needs an ami_secret and a home that is an absolute path, or neither")
    return node
