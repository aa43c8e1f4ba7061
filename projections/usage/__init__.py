"""How much each bot is used."""
from projections.usage.projection import UsageProjection

__all__ = ["UsageProjection"]
