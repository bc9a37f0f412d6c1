"""What a request says about the page that it wants."""

from typing import Annotated

from fastapi import Query

PageLimit = Annotated[int, Query(ge=1, le=100, description="Rows in one answer")]
PageCursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before")]
