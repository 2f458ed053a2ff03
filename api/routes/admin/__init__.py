"""Administration: every change is checked, stored, and told on bus topic `config`, so that it is live at once."""

from api.routes.admin import agents, flows, queues, users

ROUTERS = (users.router, agents.router, queues.router, flows.router)
"""All administration routers."""
