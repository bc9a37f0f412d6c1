"""Every router of the application, in one list: what stands here is served, and documented, and nothing else is."""

from collections.abc import Mapping
from functools import cache

from fastapi import APIRouter

from kontor.accounts import routes_desk, routes_installation, routes_me, routes_proof, routes_settings, routes_signin
from kontor.admin import routes as admin_routes
from kontor.admin import routes_users
from kontor.billing import admin_routes as billing_admin_routes
from kontor.billing import routes as billing_routes
from kontor.core.jobs import routes as job_routes
from kontor.core.mail import routes as mail_routes
from kontor.documents import routes as document_routes
from kontor.documents import routes_upload, routes_view
from kontor.gateway import admin_routes as gateway_admin_routes
from kontor.gateway import routes_llm, routes_models, routes_projects, routes_runs, routes_usage
from kontor.projects import routes as project_routes
from kontor.projects import routes_folders, routes_shares
from kontor.retrieval import routes as retrieval_routes
from kontor.web import events
from kontor.web.dispatch import areas

API = "/api/v1"


def api_routers() -> list[APIRouter]:
    """Served under /api/v1."""
    return [
        routes_installation.router,
        routes_signin.router,
        routes_me.router,
        routes_proof.router,
        routes_settings.router,
        routes_desk.router,
        events.router,
        job_routes.router,
        job_routes.admin_router,
        mail_routes.router,
        admin_routes.router,
        admin_routes.setup_router,
        routes_users.router,
        billing_routes.router,
        billing_admin_routes.router,
        project_routes.router,
        routes_folders.router,
        routes_shares.router,
        routes_projects.router,
        # Names before ids.
        retrieval_routes.router,
        routes_upload.router,
        routes_upload.parts_router,
        document_routes.router,
        document_routes.project_router,
        routes_view.router,
        routes_models.router,
        gateway_admin_routes.router,
        routes_llm.router,
        routes_runs.router,
        routes_usage.router,
    ]


@cache
def api_areas() -> Mapping[str, APIRouter]:
    """Routes set themselves up at their first request, which costs a third of a second: once in a process is enough."""
    return areas(api_routers(), prefix=API)


def socket_routers() -> list[APIRouter]:
    """Sockets, served under /ws; they are no part of the OpenAPI document."""
    return [events.socket_router]
