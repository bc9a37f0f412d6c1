"""Every router of the application, in one list: what stands here is served, and documented, and nothing else is."""

from fastapi import APIRouter

API = "/api/v1"


def api_routers() -> list[APIRouter]:
    """Served under /api/v1."""
    return []
