"""The stylesheet of the report."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --dim: #667085; --line: #d5dae1; --a: #2563eb;
  --b: #c2410c; --paper: #fff; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --dim: #98a2b3; --line: #344054;
  --a: #7aa7ff; --b: #fb923c; --paper: #12161c; --bad: #fda29b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }
h1 { margin: 0; } h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
p { margin: .3rem 0; color: var(--dim); } .bad { color: var(--bad); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 1rem;
  margin-top: 1rem; }
figure { margin: 0; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; } text { font-size: 11px; fill: var(--dim); }
.end { text-anchor: end; } .mid { text-anchor: middle; }
.grid { stroke: var(--line); stroke-width: .6; } .axis { stroke: var(--dim); }
.line { fill: none; stroke-width: 2; } path.a { stroke: var(--a); } path.b { stroke: var(--b); }
circle.a { fill: var(--a); } circle.b { fill: var(--b); } .band { fill: var(--b); opacity: .15; }
.key { font-weight: 400; font-size: .85rem; margin-left: .6rem; }
.key.a { color: var(--a); opacity: 1; } .key.b, .key.band { color: var(--b); opacity: 1;
  background: none; }
table { border-collapse: collapse; } td, th { text-align: left; vertical-align: top;
  padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 500; color: var(--dim); }
pre { background: color-mix(in srgb, var(--line) 35%, transparent); padding: 1rem; overflow: auto; }
"""
