"""The style sheet of a report: system fonts, light and dark, from 360 pixels to paper."""

from __future__ import annotations

from typing import Final

LIGHT: Final = """
  --paper: #ffffff; --card: #f6f7f9; --ink: #1b1f24; --soft: #57606a; --rule: #d8dee4;
  --line: #0b62c4; --dot: #b4410e; --warn: #9a5b00; --warn-card: #fff6e0;"""
DARK: Final = """
  --paper: #14171b; --card: #1d2127; --ink: #e8eaed; --soft: #a6afb9; --rule: #363d46;
  --line: #6cb2ff; --dot: #ff9d66; --warn: #f2c14e; --warn-card: #2b2412;"""

STYLE: Final = f"""
:root {{ color-scheme: light dark; {LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}
* {{ box-sizing: border-box; }}
html {{ -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }}
body {{ margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }}
header, main, footer {{ max-width: 1120px; margin: 0 auto; padding: 0 16px; }}
header {{ padding-top: 24px; }}
h1 {{ font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.25rem; margin: 40px 0 8px; padding-top: 12px; border-top: 1px solid var(--rule); }}
h3 {{ font-size: 1rem; margin: 24px 0 4px; }}
p {{ margin: 6px 0; max-width: 72ch; }}
.soft, footer {{ color: var(--soft); }}
footer {{ font-size: .875rem; padding-top: 24px; padding-bottom: 40px; }}
a {{ color: var(--line); }}
nav {{ display: flex; flex-wrap: wrap; gap: 4px 16px; margin-top: 12px; }}
.tiles {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(136px, 1fr)); gap: 8px; margin: 16px 0 0; }}
.tiles div {{ background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 8px 12px; }}
.tiles dt {{ color: var(--soft); font-size: .8125rem; }}
.tiles dd {{ margin: 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }}
.warning {{ background: var(--warn-card); border-left: 4px solid var(--warn); border-radius: 4px; padding: 8px 12px;
  margin: 8px 0; overflow-wrap: anywhere; }}
.warning strong {{ display: block; }}
.pair {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 8px 32px; }}
figure {{ margin: 16px 0 0; max-width: 540px; min-width: 0; }}
figcaption {{ font-weight: 600; }}
figure p {{ font-size: .875rem; color: var(--soft); margin: 0 0 4px; }}
svg {{ display: block; width: 100%; height: auto; }}
svg text {{ font-size: 13px; fill: var(--ink); }}
svg .muted {{ fill: var(--soft); }}
svg .value {{ font-weight: 600; }}
svg .word {{ unicode-bidi: isolate; }}
svg .value, svg .word {{ paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }}
svg .grid {{ fill: none; stroke: var(--rule); stroke-width: 1; }}
svg .line {{ fill: none; stroke: var(--line); stroke-width: 2; stroke-linejoin: round; }}
svg .guide {{ fill: none; stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 4 4; }}
svg .dot {{ fill: var(--dot); }}
svg .bar {{ fill: var(--line); }}
.scroll {{ overflow-x: auto; margin: 8px 0; }}
table {{ border-collapse: collapse; font-size: .9375rem; min-width: 100%; }}
th, td {{ padding: 4px 12px 4px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }}
th {{ font-weight: 600; color: var(--soft); font-size: .8125rem; white-space: nowrap; vertical-align: bottom; }}
.t {{ text-align: left; overflow-wrap: anywhere; min-width: 7em; }}
.n {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
.sentence {{ min-width: 14em; }}
details {{ margin: 4px 0 8px; }}
summary {{ cursor: pointer; color: var(--line); padding: 4px 0; }}
.samples {{ list-style: none; margin: 12px 0 0; padding: 0; display: grid; gap: 8px;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); }}
.samples > li {{ border: 1px solid var(--rule); border-radius: 8px; padding: 8px 12px; min-width: 0; }}
.samples b, .samples bdi {{ overflow-wrap: anywhere; }}
.samples ol {{ list-style: none; margin: 4px 0 0; padding: 0; }}
.samples ol li {{ display: flex; justify-content: space-between; gap: 12px; }}
.samples ol span, .samples small {{ color: var(--soft); font-variant-numeric: tabular-nums; }}
.settings {{ display: grid; grid-template-columns: minmax(0, max-content) minmax(0, 1fr); gap: 4px 16px;
  margin: 8px 0; }}
.settings dt {{ color: var(--soft); }}
.settings dd {{ margin: 0; overflow-wrap: anywhere; }}
@media (max-width: 480px) {{ svg text {{ font-size: 15px; }} }}
@media print {{
  @page {{ margin: 14mm; }}
  :root {{ color-scheme: light; {LIGHT} }}
  body {{ font-size: 10pt; }}
  nav, details {{ display: none; }}
  header, main, footer {{ max-width: none; padding: 0; }}
  figure, .samples > li, .warning, tr {{ break-inside: avoid; }}
  h2, h3, figcaption {{ break-after: avoid; }}
  .scroll {{ overflow: visible; }}
  .pair {{ grid-template-columns: 1fr 1fr; gap: 8px 24px; }}
  .samples {{ grid-template-columns: repeat(3, 1fr); }}
  .tiles div, .bar, .warning {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
}}
"""
