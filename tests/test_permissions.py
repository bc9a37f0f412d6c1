"""Who may do what: every operation by everybody. An operation without a line here fails the first test.

The owner is an ordinary user whose things the paths name; the stranger is another one, with the same ids in hand.
`viewer` and `editor` are for things that can be shared; `-` says that nothing of this kind can.
`scope` is the owner (or, for administration, the administrator) with a token that may only read the account.
A cell is the status, or `.` for the first one after it in the line that is not `.`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kontor.accounts import tokens
from kontor.core.clock import now
from kontor.core.ids import new_id
from kontor.core.mail.messages import Trial
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from kontor.core.vault.service import plant_canary
from kontor.gateway import keys
from kontor.gateway.keys import NewKey
from kontor.gateway.tables import Model, Provider
from kontor.web.app import openapi_document
from tests.conftest import database_on, make_settings
from tests.factories.documents import bring
from tests.factories.house import House, Visitor, opened
from tests.factories.projects import made, make_folder, make_project, share, verified

COLUMNS = ("anonymous", "stranger", "viewer", "editor", "owner", "scope", "manager", "admin")

TABLE = """
operation                                     anonymous stranger viewer editor owner scope manager admin
GET    /health                                200       .        -      -      200   200   .       200
GET    /health/live                           200       .        -      -      200   200   .       200
GET    /health/ready                          200       .        -      -      200   200   .       200
GET    /health/stream                         200       .        -      -      200   200   .       200
GET    /installation                          200       .        -      -      200   200   .       200

POST   /auth/link                             400       .        -      -      400   400   .       400
POST   /auth/login                            401       .        -      -      401   401   .       401
POST   /auth/refresh                          401       .        -      -      401   401   .       401
POST   /auth/register                         403       .        -      -      403   403   .       403
POST   /auth/forgot-password                  202       .        -      -      202   202   .       202
POST   /auth/reset-password                   400       .        -      -      400   400   .       400
GET    /auth/verify                           303       .        -      -      303   303   .       303
POST   /auth/verify                           400       .        -      -      400   400   .       400
GET    /auth/invite/{token}                   400       .        -      -      400   400   .       400
POST   /auth/invite/{token}                   400       .        -      -      400   400   .       400
GET    /auth/oidc/{provider}                  404       .        -      -      404   404   .       404
GET    /auth/oidc/{provider}/callback         404       .        -      -      404   404   .       404
POST   /auth/passkeys/sign-in/options         200       .        -      -      200   200   .       200
POST   /auth/passkeys/sign-in                 400       .        -      -      400   400   .       400

POST   /auth/logout                           401       204      -      -      204   403   204     204
GET    /auth/me                               401       200      -      -      200   200   200     200
PATCH  /auth/me                               401       200      -      -      200   403   200     200
POST   /auth/resend-verification              401       202      -      -      202   403   202     202
POST   /auth/change-password                  401       204      -      -      204   403   204     204
GET    /auth/sessions                         401       200      -      -      200   200   200     200
DELETE /auth/sessions                         401       200      -      -      200   403   200     200
DELETE /auth/sessions/{session_id}            401       404      -      -      204   403   404     404
POST   /auth/totp                             401       200      -      -      200   403   200     200
POST   /auth/totp/confirm                     401       .        -      -      409   403   409     409
DELETE /auth/totp                             401       .        -      -      409   403   409     409
POST   /auth/totp/recovery-codes              401       .        -      -      409   403   409     409
POST   /auth/prove                            401       .        -      -      422   403   422     422
POST   /auth/prove/passkey/options            401       .        -      -      200   403   200     200
POST   /auth/prove/passkey                    401       .        -      -      400   403   400     400
GET    /auth/passkeys                         401       200      -      -      200   200   200     200
POST   /auth/passkeys                         401       .        -      -      400   403   400     400
POST   /auth/passkeys/options                 401       200      -      -      200   403   200     200
DELETE /auth/passkeys/{passkey_id}            401       404      -      -      204   403   404     404
GET    /auth/tokens                           401       200      -      -      200   200   200     200
POST   /auth/tokens                           401       201      -      -      201   403   201     201
DELETE /auth/tokens/{token_id}                401       404      -      -      204   403   404     404

GET    /settings                              401       200      -      -      200   200   200     200
PATCH  /settings                              401       200      -      -      200   403   200     200
GET    /desk                                  401       200      -      -      200   200   200     200
PUT    /desk                                  401       200      -      -      200   403   200     200
GET    /notifications                         401       200      -      -      200   200   200     200
POST   /notifications/read                    401       204      -      -      204   403   204     204
GET    /audit/mine                            401       200      -      -      200   200   200     200
GET    /jobs                                  401       200      -      -      200   200   200     200
POST   /jobs/{job_id}/cancel                  401       404      -      -      200   403   404     404
GET    /llm/models                            401       200      -      -      200   200   200     200
GET    /llm/models/{model_id}                 401       200      -      -      200   200   200     200
PUT    /llm/preferred                         401       200      -      -      200   403   200     200
PUT    /llm/favourites/{model_id}             401       200      -      -      200   403   200     200
DELETE /llm/favourites/{model_id}             401       200      -      -      200   403   200     200
GET    /llm/keys                              401       200      -      -      200   200   200     200
POST   /llm/keys                              401       .        -      -      422   403   422     422
POST   /llm/keys/recognise                    401       200      -      -      200   200   200     200
POST   /llm/keys/{key_id}/test                401       404      -      -      200   403   404     404
DELETE /llm/keys/{key_id}                     401       404      -      -      204   403   404     404
POST   /llm/generate                          401       422      -      -      422   403   422     422
POST   /llm/embed                             401       422      -      -      422   403   422     422
POST   /llm/count                             401       200      -      -      200   403   200     200
GET    /runs                                  401       200      -      -      200   200   200     200
GET    /runs/{run_id}                         401       404      -      -      200   200   404     404
GET    /runs/{run_id}/events                  401       404      -      -      200   200   404     404
GET    /runs/{run_id}/receipt                 401       404      -      -      200   200   404     404
POST   /runs/{run_id}/stop                    401       404      -      -      204   403   404     404
POST   /runs/{run_id}/continue                401       404      -      -      409   403   404     404
GET    /usage                                 401       200      -      -      200   200   200     200
GET    /usage/log                             401       200      -      -      200   200   200     200
GET    /usage.csv                             401       200      -      -      200   200   200     200
GET    /admin/usage                           401       .        -      -      403   403   403     200
GET    /admin/usage.csv                       401       .        -      -      403   403   403     200
GET    /admin/usage/months                    401       .        -      -      403   403   403     200
GET    /llm/discover                          401       .        -      -      403   403   403     200
POST   /setup                                 401       .        -      -      409   403   409     409
GET    /setup/checks                          401       .        -      -      403   403   403     200

GET    /admin/users                           401       .        -      -      403   403   200     200
POST   /admin/users                           401       .        -      -      403   403   403     201
GET    /admin/users/{user_id}                 401       .        -      -      403   403   200     200
PUT    /admin/users/{user_id}                 401       .        -      -      403   403   403     200
PATCH  /admin/users/{user_id}                 401       .        -      -      403   403   403     200
DELETE /admin/users/{user_id}                 401       .        -      -      403   403   403     204
POST   /admin/users/{user_id}/approve         401       .        -      -      403   403   200     200
POST   /admin/users/{user_id}/invite          401       .        -      -      403   403   409     409
POST   /admin/users/{user_id}/reset-link      401       .        -      -      403   403   403     200
POST   /admin/users/{user_id}/restore         401       .        -      -      403   403   200     200
POST   /admin/users/{user_id}/suspend         401       .        -      -      403   403   200     200
GET    /admin/users/{user_id}/sessions        401       .        -      -      403   403   200     200
DELETE /admin/users/{user_id}/sessions        401       .        -      -      403   403   403     200
GET    /admin/users/{user_id}/files           401       .        -      -      403   403   403     403
GET    /admin/audit                           401       .        -      -      403   403   403     200
GET    /admin/audit.csv                       401       .        -      -      403   403   403     200
GET    /admin/checks                          401       .        -      -      403   403   403     200
GET    /admin/configuration                   401       .        -      -      403   403   403     200
PATCH  /admin/configuration                   401       .        -      -      403   403   403     200
GET    /admin/full-access                     401       .        -      -      403   403   403     200
POST   /admin/full-access                     401       .        -      -      403   403   403     201
DELETE /admin/full-access                     401       .        -      -      403   403   403     204
GET    /admin/stats                           401       .        -      -      403   403   403     200
GET    /admin/mail                            401       .        -      -      403   403   403     200
GET    /admin/mail/{mail_id}                  401       .        -      -      403   403   403     200
POST   /admin/mail/test                       401       .        -      -      403   403   403     202
POST   /admin/mail/{mail_id}/retry            401       .        -      -      403   403   403     409
GET    /admin/jobs                            401       .        -      -      403   403   403     200
GET    /admin/jobs/paused                      401       .        -      -      403   403   403     200
GET    /admin/jobs/periodic                   401       .        -      -      403   403   403     200
POST   /admin/jobs/{job_id}/retry             401       .        -      -      403   403   403     409
POST   /admin/jobs/{job_id}/cancel            401       .        -      -      403   403   403     200
POST   /admin/jobs/pause                      401       .        -      -      403   403   403     204
POST   /admin/jobs/resume                     401       .        -      -      403   403   403     204

GET    /projects                              401       200      200    200    200   403   200     200
POST   /projects                              401       201      201    201    201   403   201     201
GET    /projects/{project_id}                 401       404      200    200    200   403   404     404
PUT    /projects/{project_id}                 401       404      403    200    200   403   404     404
PATCH  /projects/{project_id}                 401       404      403    200    200   403   404     404
DELETE /projects/{project_id}                 401       404      403    403    204   403   404     404
POST   /projects/{project_id}/move            401       404      403    200    200   403   404     404
POST   /projects/{project_id}/duplicate       401       404      201    201    201   403   404     404
POST   /projects/{project_id}/restore         401       404      403    403    200   403   404     404
PUT    /projects/{project_id}/pin             401       404      204    204    204   403   404     404
DELETE /projects/{project_id}/pin             401       404      204    204    204   403   404     404
GET    /projects/{project_id}/dashboard       401       404      200    200    200   403   404     404
GET    /projects/{project_id}/budgets         401       404      403    403    200   403   404     404
PUT    /projects/{project_id}/budgets         401       404      403    403    200   403   404     404
GET    /documents                             401       200      200    200    200   403   200     200
GET    /documents/counts                      401       200      200    200    200   403   200     200
POST   /documents/upload                      401       404      403    201    201   403   404     404
POST   /documents/url                         401       404      403    201    201   403   404     404
POST   /documents/text                        401       404      403    201    201   403   404     404
GET    /documents/uploads                     401       200      200    200    200   403   200     200
POST   /documents/uploads                     401       404      403    201    201   403   404     404
GET    /documents/uploads/{upload_id}         401       404      404    404    200   403   404     404
PATCH  /documents/uploads/{upload_id}         401       404      404    404    409   403   404     404
DELETE /documents/uploads/{upload_id}         401       404      404    404    204   403   404     404
POST   /documents/uploads/{upload_id}/finish  401       404      404    404    409   403   404     404
GET    /documents/{document_id}               401       404      200    200    200   403   404     404
PATCH  /documents/{document_id}               401       404      403    200    200   403   404     404
DELETE /documents/{document_id}               401       404      403    204    204   403   404     404
POST   /documents/{document_id}/restore       401       404      403    200    200   403   404     404
POST   /documents/{document_id}/retry         401       404      403    202    202   403   404     404
POST   /documents/{document_id}/refresh       401       404      403    409    409   403   404     404
GET    /documents/{document_id}/content       401       404      200    200    200   403   404     404
GET    /documents/{document_id}/text          401       404      200    200    200   403   404     404
GET    /documents/{document_id}/pages/{number} 401      404      200    200    200   403   404     404
GET    /documents/{document_id}/passages      401       404      200    200    200   403   404     404
GET    /documents/search                      401       200      200    200    200   403   200     200
POST   /documents/{document_id}/evidence      401       404      200    200    200   403   404     404
GET    /projects/{project_id}/embedding       401       404      200    200    200   403   404     404
PUT    /projects/{project_id}/embedding       401       404      403    200    200   403   404     404
POST   /search                                401       200      200    200    200   403   200     200
POST   /evidence                              401       200      200    200    200   403   200     200
GET    /projects/{project_id}/documents       401       404      200    200    200   403   404     404
POST   /projects/{project_id}/documents       401       404      403    201    201   403   404     404
GET    /folders                               401       200      200    200    200   403   200     200
POST   /folders                               401       201      201    201    201   403   201     201
GET    /folders/{folder_id}                   401       404      200    200    200   403   404     404
PUT    /folders/{folder_id}                   401       404      403    200    200   403   404     404
PATCH  /folders/{folder_id}                   401       404      403    200    200   403   404     404
DELETE /folders/{folder_id}                   401       404      403    403    204   403   404     404
POST   /folders/{folder_id}/move              401       404      403    403    200   403   404     404
POST   /folders/{folder_id}/duplicate         401       404      201    201    201   403   404     404
POST   /folders/{folder_id}/restore           401       404      403    403    200   403   404     404
PUT    /folders/{folder_id}/pin               401       404      204    204    204   403   404     404
DELETE /folders/{folder_id}/pin               401       404      204    204    204   403   404     404
GET    /shares                                401       200      200    200    200   403   200     200
POST   /shares                                401       404      403    403    201   403   404     404
PATCH  /shares/{share_id}                     401       404      404    404    200   403   404     404
DELETE /shares/{share_id}                     401       404      404    404    204   403   404     404
POST   /shares/{share_id}/accept              401       404      404    404    404   403   404     404
POST   /shares/{share_id}/decline             401       404      404    404    404   403   404     404
GET    /trash                                 401       200      200    200    200   403   200     200
DELETE /trash                                 401       200      200    200    200   403   200     200
DELETE /trash/{thing_id}                      401       404      404    404    204   403   404     404

GET    /billing/balance                       401       200      -      -      200   200   200     200
GET    /billing/entries                       401       200      -      -      200   200   200     200
GET    /billing/budgets                       401       200      -      -      200   200   200     200
PUT    /billing/budgets                       401       200      -      -      200   403   200     200
GET    /admin/billing                         401       .        -      -      403   403   403     200
PUT    /admin/billing                         401       .        -      -      403   403   403     200
GET    /admin/billing/proofs                  401       .        -      -      403   403   403     200
POST   /admin/billing/proofs                  401       .        -      -      403   403   403     202
GET    /admin/billing/people/{user_id}        401       .        -      -      403   403   403     200
PUT    /admin/billing/people/{user_id}/budgets 401      .        -      -      403   403   403     200
GET    /admin/billing/people/{user_id}/entries 401      .        -      -      403   403   403     200
POST   /admin/billing/entries/{entry_id}/give-back 401  .        -      -      403   403   403     409
GET    /admin/grants                          401       .        -      -      403   403   403     200
POST   /admin/grants                          401       .        -      -      403   403   403     404
DELETE /admin/grants/{grant_id}               401       .        -      -      403   403   403     404
GET    /admin/prices                          401       .        -      -      403   403   403     200
POST   /admin/prices                          401       .        -      -      403   403   403     201
GET    /admin/prices/{price_id}/history       401       .        -      -      403   403   403     404
POST   /admin/prices/refresh                  401       .        -      -      403   403   403     202
GET    /admin/prices/review                   401       .        -      -      403   403   403     200
POST   /admin/prices/review/{price_id}        401       .        -      -      403   403   403     404
GET    /admin/exchange-rates                  401       .        -      -      403   403   403     200
POST   /admin/exchange-rates                  401       .        -      -      403   403   403     201
POST   /admin/exchange-rates/refresh          401       .        -      -      403   403   403     202
GET    /admin/llm-config                      401       .        -      -      403   403   403     200
PUT    /admin/llm-config                      401       .        -      -      403   403   403     200
GET    /admin/providers                       401       .        -      -      403   403   403     200
POST   /admin/providers                       401       .        -      -      403   403   403     201
GET    /admin/providers/down                  401       .        -      -      403   403   403     200
GET    /admin/providers/{provider_id}         401       .        -      -      403   403   403     200
PATCH  /admin/providers/{provider_id}         401       .        -      -      403   403   403     200
DELETE /admin/providers/{provider_id}         401       .        -      -      403   403   403     204
POST   /admin/providers/{provider_id}/test    401       .        -      -      403   403   403     200
POST   /admin/providers/{provider_id}/refresh 401       .        -      -      403   403   403     503
GET    /admin/providers/{provider_id}/health  401       .        -      -      403   403   403     200
POST   /admin/providers/{provider_id}/keys    401       .        -      -      403   403   403     201
DELETE /admin/providers/{provider_id}/keys/{key_id} 401 .        -      -      403   403   403     404
GET    /admin/models                          401       .        -      -      403   403   403     200
POST   /admin/models                          401       .        -      -      403   403   403     404
PATCH  /admin/models/{model_id}               401       .        -      -      403   403   403     200
DELETE /admin/models/{model_id}               401       .        -      -      403   403   403     204
"""

# Tested where sockets are: the answer of the one never ends, the other is for the operator's network.
ELSEWHERE = {("GET", "/events"), ("GET", "/metrics"), ("GET", "/projects/{project_id}/events")}

PASSWORD = "a long and unusual one"
CLOSED = "http://127.0.0.1:1"  # nobody listens there

BODIES: dict[str, dict[str, Any]] = {
    "POST /auth/link": {"token": "x" * 43},
    "POST /auth/login": {"email": "nobody@example.org", "password": PASSWORD},
    "POST /auth/refresh": {"refresh_token": "x" * 43},
    "POST /auth/register": {"email": "new@example.org", "password": PASSWORD, "name": "New"},
    "POST /auth/forgot-password": {"email": "nobody@example.org"},
    "POST /auth/reset-password": {"token": "x" * 43, "password": PASSWORD},
    "POST /auth/verify": {"token": "x" * 43},
    "POST /auth/invite/{token}": {"name": "New", "password": PASSWORD},
    "POST /auth/passkeys/sign-in": {"credential": {"id": "none"}},
    "POST /auth/passkeys": {"name": "Key", "credential": {"id": "none"}},
    "PATCH /auth/me": {"name": "Renamed"},
    "POST /auth/change-password": {"new_password": PASSWORD},
    "POST /auth/totp/confirm": {"code": "123456"},
    "POST /auth/prove": {"code": "123456"},
    "POST /auth/prove/passkey": {"credential": {"id": "none"}},
    "POST /auth/tokens": {"name": "Script", "scopes": ["account:read"]},
    "PATCH /settings": {"theme": "dark"},
    "PUT /desk": {"tabs": [], "active": None, "closed": []},
    "POST /notifications/read": {"all": True},
    "PUT /llm/preferred": {"model": "one"},
    "POST /llm/generate": {"model": "one"},
    "POST /llm/embed": {"model": "one"},
    "POST /llm/count": {"prompt": "Hello", "model": "one"},
    "POST /llm/keys": {"provider": "compatible", "key": "sk-0123456789"},
    "POST /llm/keys/recognise": {"key": "sk-ant-0123456789012345678901"},
    "PUT /admin/llm-config": {"default_model": "auto"},
    "POST /admin/providers": {"kind": "ollama", "base_url": CLOSED},
    "PATCH /admin/providers/{provider_id}": {"label": "Renamed"},
    "POST /admin/providers/{provider_id}/keys": {"key": "sk-0123456789"},
    "POST /admin/models": {"provider_id": "00000000-0000-4000-8000-00000000ffff", "name": "one"},
    "PATCH /admin/models/{model_id}": {"label": "Renamed"},
    "POST /setup": {"name": "Owner"},
    "POST /admin/users": {"email": "made@example.org", "name": "Made", "password": PASSWORD},
    "PUT /admin/users/{user_id}": {
        "name": "Written",
        "email": "written@example.org",
        "role": "user",
        "language": "de",
    },
    "PATCH /admin/users/{user_id}": {"name": "Changed"},
    "POST /admin/users/{user_id}/suspend": {"reason": "A test"},
    "PATCH /admin/configuration": {"name": "Kontor"},
    "POST /admin/full-access": {"reason": "A reason that is long enough", "minutes": 10},
    "POST /admin/mail/test": {"to": "ada@example.org"},
    "POST /admin/jobs/pause": {"kind": "mail.send"},
    "POST /admin/jobs/resume": {"kind": "mail.send"},
    "POST /projects": {"name": "New"},
    "PUT /projects/{project_id}": {"name": "Renamed"},
    "PATCH /projects/{project_id}": {"name": "Renamed"},
    "POST /projects/{project_id}/move": {"after": None},
    "POST /projects/{project_id}/duplicate": {},
    "PUT /projects/{project_id}/budgets": {"items": [{"period": "day", "limit_nano": 5_000_000_000}]},
    "POST /documents/url": {"project_id": "{project_id}", "url": "https://example.org/page"},
    "POST /documents/text": {"project_id": "{project_id}", "text": "A note."},
    "POST /documents/uploads": {"project_id": "{project_id}", "name": "large.pdf", "bytes": 1_000_000},
    "PATCH /documents/{document_id}": {"name": "Renamed"},
    "POST /documents/{document_id}/evidence": {"quotations": ["A note."]},
    "POST /search": {"query": "note"},
    "PUT /projects/{project_id}/embedding": {"model": None},
    "POST /evidence": {"answer": "A note says so. [1]", "passages": [{"number": 1, "text": "A note says so."}]},
    "POST /folders": {"name": "New"},
    "PUT /folders/{folder_id}": {"name": "Renamed"},
    "PATCH /folders/{folder_id}": {"name": "Renamed"},
    "POST /folders/{folder_id}/move": {"after": None},
    "POST /folders/{folder_id}/duplicate": {},
    "POST /shares": {"project_id": "{project_id}", "email": "guest@example.org", "role": "viewer"},
    "PATCH /shares/{share_id}": {"role": "editor"},
    "PUT /billing/budgets": {"items": [{"period": "day", "limit_nano": 5_000_000_000}]},
    "PUT /admin/billing": {"spread_bp": 200},
    "PUT /admin/billing/people/{user_id}/budgets": {"items": [{"period": "day", "limit_nano": 5_000_000_000}]},
    "POST /admin/billing/entries/{entry_id}/give-back": {"note": "A test"},
    "POST /admin/grants": {"user_id": "00000000-0000-4000-8000-000000000000", "nano": 5_000_000_000},
    "POST /admin/prices": {"provider": "openai", "model": "own", "is_free": True},
    "POST /admin/prices/review/{price_id}": {"decision": "reject"},
    "POST /admin/exchange-rates": {"rates": {"USD": "1.1"}},
}

# What is sent as something else than JSON.
SENT: dict[str, dict[str, Any]] = {
    "GET /documents/search": {"params": {"query": "note"}},
    "POST /documents/upload": {"params": {"project_id": "{project_id}"}, "files": {"file": ("new.txt", b"New.")}},
    "POST /projects/{project_id}/documents": {"files": {"file": ("new.txt", b"New.")}},
    "PATCH /documents/uploads/{upload_id}": {"content": b"part", "headers": {"Upload-Offset": "4"}},
}


@dataclass(frozen=True)
class Rule:
    method: str
    path: str
    expected: dict[str, int] = field(hash=False)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def read_table() -> list[Rule]:
    rules = []
    for line in TABLE.strip().splitlines()[1:]:
        if not line.strip():
            continue
        method, path, *cells = line.split()
        assert len(cells) == len(COLUMNS), line
        expected, following = {}, ""
        for column, cell in reversed(list(zip(COLUMNS, cells, strict=True))):
            if cell not in {".", "-"}:
                following = cell
            if cell != "-":
                expected[column] = int(following)
        rules.append(Rule(method, path, expected))
    return rules


RULES = read_table()


def test_every_operation_has_a_line() -> None:
    described = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, operations in openapi_document()["paths"].items()
        for method in operations
    }
    assert {(rule.method, rule.path) for rule in RULES} | ELSEWHERE == described


@dataclass
class World:
    """One person with one of everything, and whoever wants it. Made once: what a call does is undone after it."""

    connection: AsyncConnection
    settings: Settings
    ids: dict[str, str]
    headers: dict[str, dict[str, str]]  # by caller

    async def call(self, rule: Rule, who: str, **ids: str) -> httpx.Response:
        async with self.connection.begin_nested() as before:
            # An application of the call's own, so that nothing stays in memory either.
            async with opened(self.settings, database_on(self.connection)) as house:
                path = rule.path.format_map(self.ids | ids)
                # Health lies beside the interface, not in it.
                url = f"http://localhost:8000{path}" if path.startswith("/health") else path
                client = house.client(headers=self.headers[who])
                sent: dict[str, Any] = {"json": filled(BODIES.get(rule.name), self.ids | ids)}
                if rule.name in SENT:
                    sent = {**SENT[rule.name], "params": filled(SENT[rule.name].get("params"), self.ids | ids)}
                answer = await client.request(rule.method, url, **sent)
            await before.rollback()
        return answer

    def secrets(self) -> list[str]:
        """What must never stand in an answer to a stranger."""
        ours = {"provider_id", "model_id", "number"}  # which everybody may ask
        return [*(value for name, value in self.ids.items() if name not in ours), "owner@example.org", "Olga Owner"]


def filled(body: dict[str, Any] | None, ids: dict[str, str]) -> dict[str, Any] | None:
    """Some ids stand in the body and not in the path."""
    if body is None:
        return None
    return {
        name: ids[value[1:-1]] if isinstance(value, str) and value.startswith("{") else value
        for name, value in body.items()
    }


@pytest.fixture(scope="module")
async def world(engine: AsyncEngine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    settings = make_settings(tmp_path_factory.mktemp("world"))
    async with engine.connect() as connection:
        everything = await connection.begin()
        async with opened(settings, database_on(connection)) as house:
            await plant_canary(house.database, house.kernel.secrets)
            owner = await house.visitor(name="Olga Owner", email="owner@example.org")
            other = await house.sign_in(owner.id)
            admin = await house.visitor(Role.ADMIN, name="Ada Admin", email="ada@example.org")
            manager = await house.visitor(Role.MANAGER, name="Mia Manager")
            stranger = await house.visitor(name="Stefan Stranger")
            viewer, editor = await house.visitor(name="Vera Viewer"), await house.visitor(name="Emil Editor")
            ids = (
                await furnish(house, owner)
                | await furnish_projects(house, owner, viewer=viewer, editor=editor)
                | {
                    "user_id": str(owner.id),
                    "session_id": str(other.session_id),
                    "token": "x" * 43,
                    "provider": "no-such-provider",
                }
            )
            headers = {
                "anonymous": {},
                "stranger": authorization(stranger),
                "viewer": authorization(viewer),
                "editor": authorization(editor),
                "owner": authorization(owner),
                "scope": await reader(house, owner),
                "admin scope": await reader(house, admin),
                "manager": authorization(manager),
                "admin": authorization(admin),
            }
        yield World(connection, settings, ids, headers)
        await everything.rollback()


def authorization(visitor: Visitor) -> dict[str, str]:
    return {"Authorization": visitor.http.headers["Authorization"]}


async def reader(house: House, visitor: Visitor) -> dict[str, str]:
    async with house.database.unit(visitor.actor) as unit:
        made = await tokens.make(unit, visitor.actor, name="Reader", scopes=["account:read"], expires_in_days=None)
    return {"Authorization": f"Bearer {made.token}"}


async def furnish(house: House, owner: Visitor) -> dict[str, str]:
    """One of everything that a path can name."""
    needed = ("passkey_id", "token_id", "job_id", "entry_id", "grant_id", "price_id", "run_id")
    ids = {name: str(new_id()) for name in needed}
    known = ids | {"owner": str(owner.id)}
    async with house.database.system("test") as unit:
        for statement in (
            "INSERT INTO passkey (id, owner_id, name, credential_id, public_key) "
            "VALUES (:passkey_id, :owner, 'Key', 'id', 'key')",
            "INSERT INTO personal_token (id, owner_id, name, hash, ending, scopes) "
            "VALUES (:token_id, :owner, 'Script', sha256('x'), 'abcd', '{account:read}')",
            "INSERT INTO job (id, owner_id, kind, title, args, max_attempts) "
            "VALUES (:job_id, :owner, 'mail.send', 'Mail', '{}', 3)",
            "INSERT INTO run (id, owner_id, payer_id, kind, state, provider_kind, model_name, request, settled_as, "
            "finish_reason, finished_at, usage, cost) VALUES (:run_id, :owner, :owner, 'api', 'done', 'openai', 'one', "
            """'{}', 'reported', 'stop', now(), '{"input": 1}', '{"lines": [], "amount": "0", "nano": 0, """
            """"currency": "EUR", "released_nano": 0, "is_estimated": false, "is_free": true, "is_known": true}')""",
        ):
            await unit.execute(
                text(statement), {name: value for name, value in known.items() if f":{name}" in statement}
            )
        provider = Provider(id=new_id(), kind="compatible", label="Nobody", protocol="openai_chat", base_url=CLOSED,
                            origin=CLOSED)  # fmt: skip
        unit.add(provider)
        await unit.flush()
        model = Model(id=new_id(), provider_id=provider.id, name="one", source="manual")
        unit.add(model)
        key = await keys.add(unit, house.kernel.vault, owner.actor, provider, NewKey("sk-0123456789", is_tested=False),
                             owner_id=owner.id, address=None)  # fmt: skip
        ids |= {"provider_id": str(provider.id), "model_id": str(model.id), "key_id": str(key.id)}
        mail_id = await house.kernel.mailer.queue(
            unit, Trial(at=now()), to="owner@example.org", language="en", owner_id=owner.id
        )
    return ids | {"mail_id": str(mail_id)}


async def furnish_projects(house: House, owner: Visitor, **guests: Visitor) -> dict[str, str]:
    """A folder that is shared, a project in it, an invitation that nobody has answered, and something in the trash."""
    folder = await make_folder(owner, "Shared")
    project = await make_project(owner, "Inside", folder_id=folder["id"])
    thrown = await make_project(owner, "Thrown away")
    assert (await owner.delete(f"/projects/{thrown['id']}")).status_code == 204
    for role, guest in guests.items():
        await share(owner, guest, await verified(house, guest), role, folder_id=folder["id"])
    offered = await owner.post(
        "/shares", json={"project_id": project["id"], "email": "somebody@example.org", "role": "viewer"}
    )
    assert offered.status_code == 201, offered.text
    document = await bring(house, owner, project)
    begun = made(await owner.post("/documents/uploads", json={"project_id": project["id"], "name": "a", "bytes": 10}))
    return {
        "folder_id": folder["id"],
        "project_id": project["id"],
        "share_id": offered.json()["id"],
        "document_id": document["id"],
        "number": "1",
        "upload_id": begun["id"],
        "thing_id": thrown["id"],
    }


HIDDEN = [rule for rule in RULES if "_id}" in rule.path and rule.expected["stranger"] == 404]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
async def test_who_may_do_what(world: World, rule: Rule) -> None:
    wrong: list[str] = []
    for who in rule.expected:
        caller = "admin scope" if who == "scope" and rule.path.startswith("/admin") else who
        answer = await world.call(rule, caller)
        if answer.status_code != rule.expected[who]:
            wrong.append(f"{caller}: {answer.status_code} instead of {rule.expected[who]}: {answer.text}")
        if answer.status_code >= 400 and answer.headers["content-type"] != "application/problem+json":
            wrong.append(f"{caller}: an error that is no problem document: {answer.text}")
        if who in {"anonymous", "stranger"} and not rule.path.startswith("/health"):
            said = [secret for secret in world.secrets() if secret in answer.text]
            wrong += [f"{caller}: is told {said}: {answer.text}"] if said else []
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("rule", HIDDEN, ids=lambda rule: rule.name)
async def test_what_is_hidden_answers_like_what_is_missing(world: World, rule: Rule) -> None:
    hidden = await world.call(rule, "stranger")
    missing = await world.call(rule, "stranger", **{name: str(new_id()) for name in world.ids if name.endswith("_id")})
    strip = {"request_id"}
    assert {key: value for key, value in hidden.json().items() if key not in strip} == {
        key: value for key, value in missing.json().items() if key not in strip
    }
