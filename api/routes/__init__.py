"""REST routes, one file per idea. A route parses, authorises and calls one service function."""

from api.routes import customers, directory, interactions, recordings, reports, session, tickets
from api.routes.admin import ROUTERS as ADMIN_ROUTERS

ROUTERS = (
    session.router,
    customers.router,
    interactions.router,
    tickets.router,
    directory.router,
    recordings.router,
    reports.router,
    *ADMIN_ROUTERS,
)
"""All routers; `api.app` puts them under `/api`."""
