"""The look of the HTML export: light and dark, and on paper."""

STYLE = """
:root { color-scheme: light dark; --bg: #fff; --text: #1d2030; --muted: #667; --line: #dde;
  --card: #f5f6fa; --you: #3b6ea8; --good: #2c7a3f; --note: #96690a; --bad: #b3323f;
  --wait: #c3c8d8; --think: #b794d6; --say: #5b9bd5; --call: #e0a84f; --tool: #66b584; }
@media (prefers-color-scheme: dark) { :root { --bg: #16171f; --text: #d8dcf0; --muted: #8b90a8;
  --line: #2c2f40; --card: #1d1f2b; --you: #7fb2e8; --good: #8fce9b; --note: #e6b566;
  --bad: #ee8a94; --wait: #3a3e52; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 16px/1.6 system-ui, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 32px 20px 80px; }
h1 { font-size: 1.6rem; margin: 0 0 4px; }
.about, .facts, footer { color: var(--muted); font-size: .85rem; }
article { margin: 28px 0; padding-left: 14px; border-left: 3px solid transparent; }
article.user { border-color: var(--you); }
article > h2 { font-size: .95rem; margin: 0 0 6px; display: flex; gap: 12px; }
article.user > h2 { color: var(--you); }
.badge { margin-left: auto; font-weight: 600; }
.good { color: var(--good); } .note, .live { color: var(--note); } .bad { color: var(--bad); }
pre { background: var(--card); padding: 12px; border-radius: 6px; overflow-x: auto;
  font: .86rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
blockquote { margin: 0; padding-left: 12px; border-left: 3px solid var(--line); }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td, th { border: 1px solid var(--line); padding: 4px 10px; text-align: left; }
img { max-width: 100%; border-radius: 6px; }
details { margin: 8px 0; border: 1px solid var(--line); border-radius: 6px; padding: 6px 12px; }
summary { cursor: pointer; color: var(--muted); font-size: .88rem; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 8px 0; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; color: var(--text); }
svg { display: block; width: 100%; height: auto; margin: 6px 0; font: 11px system-ui, sans-serif; }
svg text { fill: var(--muted); }
.waiting { fill: var(--wait); } .reasoning { fill: var(--think); } .text { fill: var(--say); }
.call { fill: var(--call); } .tool { fill: var(--tool); } .stall { fill: var(--bad); }
footer { margin-top: 60px; border-top: 1px solid var(--line); padding-top: 12px; }
@media print { :root { --bg: #fff; --text: #000; --card: #f4f4f4; } main { max-width: none; }
  details { border: none; padding: 0; } article { break-inside: avoid-page; } }
"""
