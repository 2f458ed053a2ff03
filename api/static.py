"""The web app's files: hashed ones kept for ever, the page itself asked for each time, every other path is the page."""

from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.access import open_to_all

_NOT_BUILT = (
    "<!doctype html><html lang=en><title>OneCall</title>"
    "<p>The web app is not built. Run <code>make web</code>, then load this page again.</p>"
)


class WebApp(StaticFiles):
    """Static files with the single page as fallback; addresses under `/api` are never answered with the page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or the page."""
        if path == "api" or path.startswith("api/"):
            raise HTTPException(404)
        try:
            answer = await super().get_response(path, scope)
        except HTTPException as missing:
            # A hashed file that is gone must not be answered with the page: the browser would run it as a script.
            if missing.status_code != 404 or path.startswith("assets/") or "." in path.rsplit("/", 1)[-1]:
                raise
            path = "index.html"
            answer = await super().get_response(path, scope)
        hashed = path.startswith("assets/")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return answer


def mount(app: FastAPI, dist: Path | None) -> None:
    """Serve the built web app at `/`, or one sentence that says how to build it."""
    if dist is not None and (dist / "index.html").is_file():
        app.mount("/", WebApp(directory=dist, html=True), name="web")
        return

    @app.get("/", include_in_schema=False, dependencies=[open_to_all("it says only how to build the web app")])
    async def page() -> HTMLResponse:
        """Says that the web app is not built."""
        return HTMLResponse(_NOT_BUILT, status_code=503)
