"""Which agent's phone is registered where, and what is still to be told: all that the bridges of nodes share."""

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence

_USER = re.compile(r"sips?:([^@;>]*)@([^;>]*)")


def identity(extension: str, uri: str) -> str:
    """What stays the same in a contact while its page lives: a page loaded anew registers under another one.

    A browser's contact has a random user made when its page was loaded, and each socket another port. A desk phone's
    has the extension as user: its address is what tells it from another.
    """
    found = _USER.match(uri)
    if found is None:
        return uri
    user, host = found.groups()
    return f"{user}@{host}" if user == extension else user


class Registrations:
    """Reachable contacts of each extension, the newest last, each with its node. A phone is where it came up last."""

    def __init__(self) -> None:
        self._contacts: dict[str, list[tuple[str, str]]] = {}
        self._watchers: list[Callable[[str], None]] = []
        self.untold: deque[Callable[[], None]] = deque()
        """What the bridges have still to tell, in one line: the later news of a phone is not told first."""

    def watch(self, changed: Callable[[str], None]) -> None:
        """Have `changed` called with an extension whose registrations another node has changed."""
        self._watchers.append(changed)

    @property
    def shared(self) -> bool:
        """Whether there are several nodes."""
        return len(self._watchers) > 1

    def spread(self, extension: str, by: Callable[[str], None]) -> None:
        """Tell all watchers but the one who knows it already."""
        for watcher in self._watchers:
            if watcher != by:
                watcher(extension)

    def contact(self, extension: str) -> str:
        """The identity of the phone's newest registration; empty when there is none."""
        contacts = self._contacts.get(extension)
        return identity(extension, contacts[-1][1]) if contacts else ""

    def node(self, extension: str) -> str | None:
        """Where the phone is; None: nowhere."""
        contacts = self._contacts.get(extension)
        return contacts[-1][0] if contacts else None

    @property
    def nodes(self) -> Mapping[str, str]:
        """The extensions that can be rung, each with the node of its phone."""
        return {extension: contacts[-1][0] for extension, contacts in self._contacts.items() if contacts}

    def came(self, node: str, extension: str, uri: str) -> None:
        """A contact is reachable."""
        contacts = self._contacts.setdefault(extension, [])
        if (node, uri) not in contacts:
            contacts.append((node, uri))

    def went(self, node: str, extension: str, uri: str) -> None:
        """A contact is not reachable any more."""
        contacts = self._contacts.get(extension, [])
        if (node, uri) in contacts:
            contacts.remove((node, uri))

    def replace(self, node: str, contacts: Mapping[str, Sequence[str]]) -> set[str]:
        """All of a node's contacts; returns the extensions of which that changes anything."""
        changed = set()
        for extension in self._contacts.keys() | contacts.keys():
            before = self._contacts.get(extension, [])
            now = {(node, uri) for uri in contacts.get(extension, ())}
            kept = [one for one in before if one[0] != node or one in now]
            kept += [(node, uri) for uri in contacts.get(extension, ()) if (node, uri) not in before]
            if kept != before:
                self._contacts[extension] = kept
                changed.add(extension)
        return changed
