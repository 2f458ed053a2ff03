"""The call model put together: without a connection, a clock or a task of its own, so that a trace can drive it."""

from cti.callback import CallBacks
from cti.calls import Calls, Line
from cti.interpreter import Interpreter
from cti.legs import Legs
from cti.moves import Moves
from cti.phones import Phones
from cti.readback import Reader
from cti.registrations import Registrations
from cti.ringing import Ringing
from cti.settings import BridgeSettings
from cti.talk import Talk
from cti.tellings import Tellings


class Switch:
    """Who is in which room, and what follows from each event and command. `line` is its only way out."""

    def __init__(
        self, settings: BridgeSettings, line: Line, tell: Tellings, registrations: Registrations | None = None
    ) -> None:
        phones_there = registrations or Registrations()
        self.calls = calls = Calls(int(line.now()))
        self.legs = legs = Legs(line, calls)
        self.moves = moves = Moves(line, settings.move_timeout)
        self.talk = talk = Talk(line, calls, legs, moves, tell, settings.outside_timeout)
        self.phones = phones = Phones(line, calls, legs, moves, talk, tell, settings.grace, settings.node, phones_there)
        self.call_backs = call_backs = CallBacks(line, calls, legs, tell, settings.outside_timeout)
        self.ringing = ringing = Ringing(line, calls, legs, moves, tell, phones, call_backs)
        legs.owners = {"agent": ringing, "again": phones, "expert": talk, "customer": call_backs}
        moves.settled = talk.settled
        self.interpreter = Interpreter(line, calls, legs, moves, talk, phones, tell)
        moves.stuck = self.interpreter.stuck
        self.reader = Reader(line, calls, legs, moves, talk, phones, tell)
