"""Takes callers from place to place: one Redirect in flight per channel, and the event that proves each arrival.

Two Redirects in a row lose the second one, because the first has not yet taken the channel out of its room. So the
next one waits for the proof of the last one: the room's join, or the place's own user event.
"""

from collections.abc import Callable

from core.log import get_logger
from cti.calls import ANNOUNCE, HOLD, Call, Line, Place, redirect
from cti.manager import Fields

_log = get_logger(__name__)
_TRIES = 2
_BACK_IN_LINE = 0.3


class Moves:
    """Where each caller is going.

    `settled` is called when one has arrived and goes nowhere else, `stuck` when one could not be moved even after
    everything had been read back: the rest of the floor must not suffer for it a second time.
    """

    def __init__(self, line: Line, timeout: float) -> None:
        self._line = line
        self._timeout = timeout
        self._doubted: set[str] = set()
        self.settled: Callable[[Call], None] = lambda call: None
        self.stuck: Callable[[Call], None] = lambda call: None

    def want(self, call: Call, place: Place, *before: tuple[str, Fields]) -> None:
        """Take the caller there; `before` are actions for the same write. A later wish replaces an earlier one."""
        call.wanted = place
        if call.moving is None:
            self._go(call, place, *before)
        elif before:
            self._line.send(*before)

    def say(self, call: Call, *words: tuple[str, Fields]) -> None:
        """Have something said to one who waits; while something else is being said, after it."""
        if ANNOUNCE in (call.place, call.moving):
            call.to_say.append(words)
        elif call.place == HOLD and call.moving is None:
            self.want(call, ANNOUNCE, *words)

    def renew(self, call: Call) -> None:
        """Let one who waits begin to wait anew."""
        if call.place == HOLD and call.moving is None:
            self._redirect(call, HOLD)

    def when_there(self, call: Call, place: Place, then: Callable[[bool], None]) -> None:
        """Call `then(True)` once the caller is there, `then(False)` once it goes elsewhere or is gone."""
        if call.place == place and call.wanted is None:
            then(True)
        else:
            call.arrivals.append((place, then))

    def arrived(self, call: Call, place: Place) -> None:
        """Asterisk says that the caller is there."""
        if place == HOLD and call.moving is not None and call.moving.stage == "talk":
            # Either the end of an announcement, told late, or a room that let nobody in: the join would come at once.
            self._watch(call, _BACK_IN_LINE, lambda: self._back_in_line(call))
            return
        call.place = place
        if call.moving is not None and call.moving != place:
            return
        self._here(call)

    def gone(self, call: Call) -> None:
        """The caller's channel has ended, or left our hands."""
        self._doubted.discard(call.interaction_id)
        self.forget(call)

    def forget(self, call: Call) -> None:
        """Whatever was on its way is looked at anew: a read-back follows."""
        self._stop_watching(call)
        call.moving = call.wanted = None
        self._tell_arrivals(call, gone=True)

    def _here(self, call: Call) -> None:
        self._stop_watching(call)
        self._doubted.discard(call.interaction_id)
        call.moving, call.tries = None, 0
        if call.wanted is not None and call.wanted != call.place:
            self._go(call, call.wanted)
            return
        call.wanted = None
        self._tell_arrivals(call, gone=False)
        self.settled(call)
        self._say_next(call)

    def _say_next(self, call: Call) -> None:
        if call.place not in (HOLD, ANNOUNCE):
            call.to_say.clear()
        elif call.to_say and call.place == HOLD and call.moving is None and call.wanted is None:
            self.want(call, ANNOUNCE, *call.to_say.pop(0))

    def _back_in_line(self, call: Call) -> None:
        """The room that was aimed at let nobody in; a later wish still stands."""
        if call.wanted == call.moving:
            call.wanted = None
        call.place = HOLD
        self._here(call)

    def _go(self, call: Call, place: Place, *before: tuple[str, Fields]) -> None:
        if place == call.place:
            if before:
                self._line.send(*before)
            self._here(call)
            return
        self._redirect(call, place, *before)

    def _redirect(self, call: Call, place: Place, *before: tuple[str, Fields]) -> None:
        call.moving = place
        call.tries += 1
        self._watch(call, self._timeout, lambda: self._late(call, place))
        self._line.send(*before, redirect(call, place), refused=lambda why: self._refused(call, why))

    def _late(self, call: Call, place: Place) -> None:
        _log.warning("caller has not arrived", interaction_id=call.interaction_id, place=str(place))
        call.moving = None
        if call.tries < _TRIES:
            self._redirect(call, call.wanted or place)
        elif call.interaction_id in self._doubted:
            self._doubted.discard(call.interaction_id)
            self.stuck(call)
        else:
            self._doubted.add(call.interaction_id)
            self._line.doubt(f"the caller of {call.interaction_id} cannot be brought to {call.wanted or place}")

    def _refused(self, call: Call, why: str) -> None:
        """The channel is gone, or cannot be moved; its end, if that is it, is on its way."""
        _log.info("caller cannot be moved", interaction_id=call.interaction_id, place=str(call.moving), why=why)

    def _watch(self, call: Call, seconds: float, do: Callable[[], None]) -> None:
        self._stop_watching(call)
        call.watch = self._line.after(seconds, do)

    def _stop_watching(self, call: Call) -> None:
        if call.watch is not None:
            call.watch.cancel()
            call.watch = None

    def _tell_arrivals(self, call: Call, *, gone: bool) -> None:
        arrivals, call.arrivals = call.arrivals, []
        for place, then in arrivals:
            then(not gone and place == call.place)
