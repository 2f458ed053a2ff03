"""The caller's story on a desk that somebody looks at. One that nobody can see is not read."""

import asyncio

from acd.desks import Desk, DeskCall
from acd.ports import PopAndTicket
from acd.switchboard import NO_HURRY, Call, Switchboard
from core.log import get_logger

_log = get_logger(__name__)
_AGAIN = 5.0
"""Longest pause (seconds) before a story that could not be read is tried again."""
_OLD = 2.0
"""Seconds after which what was read while the caller waited may have been changed by others."""


class Storyteller:
    """Shows stories that come late, and reads again those that may have changed."""

    def __init__(self, board: Switchboard) -> None:
        self._b = board
        self._latest = 0
        """Number of the latest reading that was begun."""

    def looked_at(self, desk: Desk) -> None:
        """A browser shows this desk: from now on its call's story has to be there."""
        if desk.call is None or desk.online is None:
            return
        if desk.call.pop:
            self._b.later(self.refresh(desk))
        else:
            facts = desk.call.facts
            self._b.later(self.show(desk, self._b.calls.get(facts.interaction_id) or Call(facts)))

    async def show(self, desk: Desk, call: Call) -> None:
        """Show it once it has been read, however long that takes, unless the call has left the desk by then."""
        shown, pause = desk.call, NO_HURRY
        while shown is not None and desk.call is shown and not shown.pop and desk.online is not None:
            story = await self._b.story(call)
            # What has been read again meanwhile is newer.
            if story.pop and desk.call is shown and not shown.pop:
                shown.pop, shown.ticket_id = story.pop, shown.ticket_id or story.ticket_id
                self._b.changed(desk)
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _AGAIN)

    async def shown(self, desk: Desk, call: Call) -> None:
        """The phone rings; what is on screen may be missing, or as old as the wait."""
        if desk.call is None or not desk.call.pop:
            await self.show(desk, call)
        elif self._b.clock.now() - call.story_at > _OLD:
            await self.refresh(desk)

    async def refresh(self, desk: Desk) -> None:
        """Read again what a desk shows of its caller, until that can be read: somebody may have changed it."""
        shown, pause = desk.call, NO_HURRY
        self._latest = mine = self._latest + 1
        while shown is not None and desk.call is shown and shown.reading < mine and desk.online is not None:
            try:
                story = await self._b.stories.pop(shown.facts)
            except Exception as error:
                interaction_id = shown.facts.interaction_id
                _log.error(
                    "the caller's story cannot be read again yet", interaction_id=interaction_id, why=repr(error)
                )
                await asyncio.sleep(pause)
                pause = min(2 * pause, _AGAIN)
                continue
            if desk.call is shown and shown.reading < mine:
                shown.reading = mine
                self._take(desk, shown, story)
            return

    def _take(self, desk: Desk, shown: DeskCall, story: PopAndTicket) -> None:
        ticket_id = story.ticket_id or shown.ticket_id
        if (story.pop, ticket_id) != (shown.pop, shown.ticket_id):
            shown.pop, shown.ticket_id = story.pop, ticket_id
            self._b.changed(desk)
