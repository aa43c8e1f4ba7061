"""How much bots are used, by whom and with what success: per hour, and per day by method, chat and error."""

from projections.usage.errors import errors
from projections.usage.lists import Page, Slice, Sort, chats, methods
from projections.usage.projection import UsageProjection
from projections.usage.rows import Whose, is_used
from projections.usage.spans import By, Span, last_days, usual
from projections.usage.summary import summary
from projections.usage.tenants import tenants
from projections.usage.trends import trends

__all__ = [
    "By",
    "Page",
    "Slice",
    "Sort",
    "Span",
    "UsageProjection",
    "Whose",
    "chats",
    "errors",
    "is_used",
    "last_days",
    "methods",
    "summary",
    "tenants",
    "trends",
    "usual",
]
