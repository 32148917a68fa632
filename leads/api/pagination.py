"""Lists are paged by cursor: stable while rows arrive, the same cost on every page."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Fifty a page, newest first; `?page_size=` up to 500."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
