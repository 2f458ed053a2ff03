"""The Asterisk bridge: manager connection, calls and legs, commands, recording, recovery after a cut."""
