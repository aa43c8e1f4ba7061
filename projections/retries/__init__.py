"""What retrying brings: attempts that failed, were made again, worked in the end or were given up; since a reset."""

from projections.retries.figures import RetryStatistics
from projections.retries.projection import RetriesProjection
from projections.retries.queries import retry_statistics

__all__ = ["RetriesProjection", "RetryStatistics", "retry_statistics"]
