"""A trend chart out of an export: the share of failed commands, day by day, a line for each tenant.

    python docs/analysis.py events.parquet trend.svg

Reads Parquet, CSV or lines of JSON; takes DuckDB and nothing else (`pip install "botloft[analysis]"`).
"""

from __future__ import annotations

import sys
from datetime import date
from html import escape
from pathlib import Path

import duckdb

READERS = {".parquet": "read_parquet", ".csv": "read_csv"}
TREND = """
    SELECT tenant_id, occurred_at::DATE AS day, avg((topic IN ('command-uncertain', 'command-not-sent'))::INT) AS share
    FROM events
    WHERE topic IN ('command-delivered', 'command-rejected', 'command-uncertain')
       OR topic = 'command-not-sent' AND attempts > 0
    GROUP BY ALL ORDER BY tenant_id, day
"""
WIDTH, HEIGHT, MARGIN, LEGEND = 800, 320, 44, 170
COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")

Lines = dict[str, list[tuple[date, float]]]


def trend(export: Path) -> Lines:
    reader = READERS.get(export.suffix, "read_ndjson")
    database = duckdb.connect()
    database.execute(f"CREATE VIEW events AS FROM {reader}('{export}')")
    found: Lines = {}
    for tenant, day, share in database.execute(TREND).fetchall():
        found.setdefault(tenant, []).append((day, share))
    return found


def chart(lines: Lines) -> str:
    """SVG."""
    days = [day for points in lines.values() for day, _ in points]
    first, last = min(days), max(days)
    top = max(0.01, *(share for points in lines.values() for _, share in points))

    def x(day: date) -> float:
        return MARGIN + (WIDTH - MARGIN - LEGEND) * (day - first).days / max(1, (last - first).days)

    def y(share: float) -> float:
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share / top

    drawn = [f'<text x="{MARGIN}" y="24" font-size="15">Failed commands, share by day</text>']
    for part in range(5):
        share = top * part / 4
        drawn.append(f'<path d="M{MARGIN} {y(share):.1f}H{WIDTH - LEGEND}" stroke="#ddd"/>')
        drawn.append(f'<text x="{MARGIN - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.1%}</text>')
    drawn += [f'<text x="{x(day):.1f}" y="{HEIGHT - 20}" text-anchor="middle">{day}</text>' for day in {first, last}]
    for number, (tenant, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = "L".join(f"{x(day):.1f} {y(share):.1f}" for day, share in points)
        drawn.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn.append(
            f'<text x="{WIDTH - LEGEND + 12}" y="{MARGIN + 18 * number}" fill="{colour}">{escape(tenant)}</text>'
        )
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{"".join(drawn)}</svg>\n'


def main(export: Path, svg: Path) -> None:
    lines = trend(export)
    for tenant, points in lines.items():
        print(tenant)
        for day, share in points:
            print(f"  {day}  {share:6.1%}  {'#' * round(share * 100)}")
    svg.write_text(chart(lines), encoding="utf-8")
    print(f"drawn: {svg}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
