"""`/docs`: Swagger UI from our own host, under a policy that lets nothing else in.

The stock page of FastAPI has an inline script and asks a CDN. Here Swagger UI's files come at
run time out of the installed package fastapi-offline, started by a script file of our own.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # the icons in Swagger UI's style sheet
        "connect-src 'self'",  # the OpenAPI document, and "Execute"
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
_PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ASSET_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}
_ASSETS = {  # the allow-list: name -> the package whose static folder has it, media type
    "docs.js": ("app", "text/javascript"),
    "swagger-ui-bundle.js": ("fastapi_offline", "text/javascript"),
    "swagger-ui.css": ("fastapi_offline", "text/css"),
    "favicon.png": ("fastapi_offline", "image/png"),
}


@dataclass(frozen=True, slots=True)
class _Asset:
    body: bytes
    media_type: str
    digest: str


def docs_router() -> APIRouter:
    """`/docs` and its assets, for an application whose own `docs_url` is None.

    Include it without a prefix: the page looks for the OpenAPI document and the assets from
    `/docs` on.
    """
    router, methods = APIRouter(include_in_schema=False), ["GET", "HEAD"]
    router.add_api_route("/", _to_docs, methods=methods)
    router.add_api_route("/docs", _page, methods=methods)
    router.add_api_route("/docs/assets/{name}", _asset, methods=methods)
    return router


async def _to_docs() -> Response:
    """Who opens the bare address finds the documentation; relative, for a root_path."""
    return Response(status_code=307, headers={"Location": "docs"})


async def _page(request: Request) -> Response:
    openapi_url: str | None = request.app.openapi_url
    if openapi_url is None:
        raise HTTPException(404)
    html = _html(request.app.title, openapi_url.removeprefix("/"))
    return HTMLResponse(html, headers=_PAGE_HEADERS)


async def _asset(name: str, request: Request) -> Response:
    if name not in _ASSETS:
        raise HTTPException(404)
    asset = _load(name)
    headers = {**_ASSET_HEADERS, "ETag": f'"{asset.digest}"'}
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(asset.body, media_type=asset.media_type, headers=headers)


def _html(title: str, openapi: str) -> str:
    """The page. All its addresses are relative, so they hold below any root_path or mount."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="{_address("favicon.png")}">
<link rel="stylesheet" href="{_address("swagger-ui.css")}">
</head>
<body>
<div id="docs" data-openapi="{escape(openapi)}"></div>
<noscript><a href="{escape(openapi)}">OpenAPI</a></noscript>
<script src="{_address("swagger-ui-bundle.js")}"></script>
<script src="{_address("docs.js")}"></script>
</body>
</html>
"""


def _address(name: str) -> str:
    """With the content's hash: cached for good, yet a new release is fetched at once."""
    return f"docs/assets/{name}?v={_load(name).digest[:16]}"


@cache
def _load(name: str) -> _Asset:
    package, media_type = _ASSETS[name]
    body = files(package).joinpath("static", name).read_bytes()
    return _Asset(body, media_type, sha256(body).hexdigest())
