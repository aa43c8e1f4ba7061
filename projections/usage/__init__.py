"""How much bots are used, by whom and with what success: per hour, and per day by method, chat and error."""

from projections.usage.errors import Errors, errors
from projections.usage.figures import ChatUsage, MethodUsage
from projections.usage.lists import Page, Slice, Sort, chats, methods
from projections.usage.projection import UsageProjection
from projections.usage.rows import Whose, is_used
from projections.usage.spans import By, Span, last_days, usual
from projections.usage.summary import Summary, summary
from projections.usage.tenants import Tenants, tenants
from projections.usage.trends import Trends, trends

__all__ = [
    "By",
    "ChatUsage",
    "Errors",
    "MethodUsage",
    "Page",
    "Slice",
    "Sort",
    "Span",
    "Summary",
    "Tenants",
    "Trends",
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
