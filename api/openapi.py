"""The OpenAPI description, with the sockets' messages and each route's roles (`python -m api.openapi FILE`)."""

import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.access import entrances, open_to_all
from api.schemas.desk import FromDeskSocket, ToDeskSocket
from api.schemas.floor import FromFloorSocket

_SOCKET_MESSAGES: tuple[type[BaseModel], ...] = (FromDeskSocket, ToDeskSocket, FromFloorSocket)
_REF = "#/components/schemas/{model}"


def describe(app: FastAPI) -> None:
    """Serve the description at `/api/openapi.json`."""

    @app.get("/api/openapi.json", include_in_schema=False, dependencies=[open_to_all("it holds no data")])
    async def openapi() -> dict[str, Any]:
        """The description of this API."""
        return description(app)


def description(app: FastAPI) -> dict[str, Any]:
    """The whole description."""
    described = get_openapi(title=app.title, version=app.version, routes=app.routes)
    for entrance in entrances(app):
        operations = described["paths"].get(entrance.path, {})
        for method in entrance.methods & {name.upper() for name in operations}:
            operations[method.lower()]["x-roles"] = sorted(entrance.gate.roles) if entrance.gate else []
    _, sockets = models_json_schema([(model, "serialization") for model in _SOCKET_MESSAGES], ref_template=_REF)
    described["components"]["schemas"] = {**sockets["$defs"], **described["components"]["schemas"]}
    return described


def document() -> str:
    """The description as a file's text, which changes only when the API does."""
    from api.app import create_app
    from api.offline import offline_deps

    return json.dumps(description(create_app(offline_deps())), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document())
