"""What the bridge counts, for Prometheus."""

from core.metrics import Counter, Gauge

actions = Counter("onecall_manager_actions_total", "Actions sent to Asterisk", ["action"])
refusals = Counter("onecall_manager_refusals_total", "Actions that Asterisk answered with an error", ["action"])
timeouts = Counter("onecall_manager_timeouts_total", "Actions that Asterisk did not answer in time", ["action"])
reconnects = Counter("onecall_manager_connections_ended_total", "Manager connections that ended")
events = Counter("onecall_manager_events_total", "Events received from Asterisk")
overflows = Counter("onecall_manager_overflows_total", "Connections closed because events piled up")
failures = Counter("onecall_manager_event_failures_total", "Events whose handling failed")
queue_depth = Gauge("onecall_manager_queue_events", "Events received and not handled yet")
recordings = Counter("onecall_recordings_closed_total", "Recordings closed, by what was found", ["result"])
