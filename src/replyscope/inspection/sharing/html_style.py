"""The style sheet of the HTML export: light and dark, for screens, phones and print."""

STYLE = """
:root { color-scheme: light dark; --bg: #fff; --text: #1f2328; --soft: #424a55; --muted: #66707d;
  --line: #dfe3e8; --card: #f6f7f9; --you: #2f6db3; --you-bg: #eef4fb; --link: #2560a8;
  --good: #1a7037; --note: #8a5a00; --bad: #b3261e; --live: #2f6db3;
  --wait: #c9cfd8; --think: #a986d8; --say: #4a90d9; --call: #d99a35; --tool: #4aa56f;
  --key: #8839a8; --str: #1a6f43; --num: #9a4f00; --com: #6b7580; --fn: #1d5fae; --typ: #0b6e78;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas,
    "Noto Sans Mono", "Noto Sans Mono CJK SC", monospace; }
@media (prefers-color-scheme: dark) { :root { --bg: #14161b; --text: #e2e5ea; --soft: #c0c6cf;
  --muted: #929ba7; --line: #2d323b; --card: #1c1f26; --you: #7db4ee; --you-bg: #1a2430;
  --link: #86b9f0; --good: #7fcf95; --note: #e3b25a; --bad: #f0918a; --live: #7db4ee;
  --wait: #434a56; --think: #b497e0; --key: #d3a2ec; --str: #93d3a5; --num: #edb178;
  --com: #8a939f; --fn: #8dbcf5; --typ: #7fcbd4; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--bg); color: var(--text); font: 16px/1.62 var(--sans);
  overflow-wrap: break-word; }
main { max-width: 820px; margin: 0 auto; padding: 40px 22px 72px; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 2px; }
h1 { font-size: 1.75rem; line-height: 1.25; letter-spacing: -.012em; margin: 0 0 6px; }
section + section { margin-top: 72px; padding-top: 40px; border-top: 1px solid var(--line); }
section { content-visibility: auto; contain-intrinsic-size: auto 1200px; }
.about, footer { color: var(--muted); font-size: .84rem; }
.about { margin: 0 0 28px; }
.tag { background: var(--card); border: 1px solid var(--line); border-radius: 99px;
  padding: 1px 9px; margin-inline-start: 6px; }

nav { margin: 26px 0 56px; }
nav ol { margin: 8px 0 0; padding: 0; list-style: none; }
nav li { display: flex; gap: 14px; padding: 5px 2px; border-top: 1px solid var(--line);
  font-size: .92rem; align-items: baseline; }
nav li a { flex: 1; min-width: 0; color: inherit; text-decoration: none; }
nav li a:hover { text-decoration: underline; }
nav time, nav .n { color: var(--muted); font-size: .8rem; font-variant-numeric: tabular-nums;
  white-space: nowrap; }

article { margin: 30px 0; scroll-margin-top: 16px; }
article > header { display: flex; flex-wrap: wrap; gap: 2px 12px; align-items: baseline;
  margin: 0 0 8px; font-size: .9rem; font-weight: 650; }
article > header a { color: inherit; text-decoration: none; }
article.user, article.system { background: var(--you-bg); border-radius: 12px;
  padding: 12px 18px 14px; }
article.system { background: var(--card); }
article.user > header { color: var(--you); }
article.system > header, .which { color: var(--muted); }
.which { font-weight: 400; }
.badge { margin-inline-start: auto; font-size: .8rem; white-space: nowrap; }
.good { color: var(--good); } .note { color: var(--note); } .bad { color: var(--bad); }
.live { color: var(--live); }
.why { border-inline-start: 3px solid currentColor; padding: 2px 0 2px 12px; margin: 12px 0;
  font-size: .9rem; }

.text > :first-child, details > .text > :first-child { margin-top: 0; }
.text > :last-child { margin-bottom: 0; }
.text p, .text ul, .text ol { margin: .72em 0; }
.text li + li { margin-top: .2em; }
.text li > p { margin: .3em 0; }
.text h4, .text h5, .text h6 { margin: 1.5em 0 .5em; line-height: 1.3; font-size: 1rem; }

.text .h1 { font-size: 1.34rem; } .text .h2 { font-size: 1.2rem; }
.text .h3 { font-size: 1.08rem; }
.text hr { border: 0; border-top: 1px solid var(--line); margin: 1.6em 0; }
.text blockquote { margin: 1em 0; padding: 1px 0 1px 16px;
  border-inline-start: 3px solid var(--line); color: var(--soft); }
code, pre { font-family: var(--mono); font-variant-ligatures: none; }
code { font-size: .875em; background: var(--card); border: 1px solid var(--line);
  border-radius: 5px; padding: .08em .34em; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 9px;
  padding: 12px 15px; margin: 1em 0; overflow-x: auto; font-size: .835rem; line-height: 1.52;
  tab-size: 4; }
pre code { font-size: inherit; background: none; border: 0; padding: 0; overflow-wrap: normal; }
pre.flow { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 32rem; overflow-y: auto; }
figure { margin: 1em 0; position: relative; }
figure pre { margin: 0; }
figcaption { position: absolute; inset-inline-end: 10px; top: 5px; font: .72rem var(--mono);
  color: var(--muted); }
.table { overflow-x: auto; margin: 1em 0; border: 1px solid var(--line); border-radius: 9px; }
table { border-collapse: collapse; font-size: .92rem; min-width: 100%; }
td, th { padding: 7px 13px; text-align: start; border-top: 1px solid var(--line);
  vertical-align: top; font-variant-numeric: tabular-nums; }
thead th { border-top: 0; background: var(--card); font-weight: 650; white-space: nowrap; }
.right { text-align: end; } .center { text-align: center; }
img { max-width: 100%; max-height: 70vh; border-radius: 9px; display: block; margin: .7em 0; }
.formula { overflow-x: auto; margin: 1em 0; } code.formula { white-space: pre-wrap; margin: 0; }
math { font-size: 1.06em; } pre.diagram { line-height: 1.2; }
li.task { list-style: none; margin-inline-start: -1.3em; }
li.task > p:first-of-type { display: inline; }
kbd { font: .82em var(--mono); border: 1px solid var(--line); border-bottom-width: 2px;
  border-radius: 5px; padding: .08em .38em; background: var(--card); }
.footnote { font-size: .88rem; color: var(--soft); } dt { font-weight: 600; }
.text dl { display: block; } .text dt { color: var(--text); }
.text dd { margin-inline-start: 1.6em; }
.alert-title { font-weight: 650; } .alert { color: var(--text); }
.alert.note, .alert.important { border-color: var(--live); }
.alert.tip { border-color: var(--good); }
.alert.warning { border-color: var(--note); } .alert.caution { border-color: var(--bad); }
.sources { font-size: .86rem; color: var(--soft); padding-inline-start: 1.6em; margin: 14px 0 0; }

details { margin: 10px 0; border: 1px solid var(--line); border-radius: 9px; }
summary { cursor: pointer; padding: 6px 13px; color: var(--soft); font-size: .86rem;
  list-style-position: inside; border-radius: 9px; }
summary:hover { background: var(--card); }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
details[open] > summary { border-bottom: 1px solid var(--line); border-radius: 9px 9px 0 0; }
details > :not(summary), details > .about { margin: 11px 14px; }
details.figures { border-color: transparent; margin: 8px 0 0; }
details.figures[open] { border-color: var(--line); }
details.figures > summary { color: var(--muted); padding-inline: 4px;
  font-variant-numeric: tabular-nums; }
details.figures[open] > summary { padding-inline: 13px; }
details.other { border-style: dashed; }
details.other article { margin: 20px 0; }
summary b { font-weight: 600; color: var(--text); }
summary code { border: 0; background: none; padding: 0; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 3px 20px;
  font-size: .87rem; }
dt { color: var(--muted); } dd { margin: 0; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }
h3 { font-size: .78rem; letter-spacing: .04em; color: var(--muted); font-weight: 600;
  text-transform: uppercase; }
.time { display: grid; grid-template-columns: minmax(70px, max-content) 1fr max-content;
  gap: 3px 14px; align-items: center; font-size: .8rem; color: var(--muted); }
.time span:nth-child(3n+1) { max-width: 13em; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.time svg { width: 100%; height: 13px; display: block; background: var(--card);
  border-radius: 4px; }
.time .n { text-align: end; font-variant-numeric: tabular-nums; }
.waiting { fill: var(--wait); } .reasoning { fill: var(--think); } .text-bar { fill: var(--say); }
.call { fill: var(--call); } .tool { fill: var(--tool); } .stall { fill: var(--bad); }
.pace { width: 100%; height: 34px; display: block; } .pace rect { fill: var(--say); }

.hk { color: var(--key); } .hs { color: var(--str); } .hm { color: var(--num); }
.hc { color: var(--com); font-style: italic; } .hf { color: var(--fn); } .ht { color: var(--typ); }
.hi { color: var(--good); } .hd { color: var(--bad); }
footer { margin-top: 64px; border-top: 1px solid var(--line); padding-top: 14px; }

@media (max-width: 560px) { body { font-size: 15.5px; } main { padding: 24px 15px 48px; }
  h1 { font-size: 1.42rem; } article.user, article.system { padding: 10px 14px 12px; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 6px; }
  nav li { flex-wrap: wrap; gap: 0 10px; } nav li a { flex-basis: 100%; }
  .time { grid-template-columns: 84px 1fr max-content; gap: 3px 9px; } }
@media print { :root { color-scheme: light; --bg: #fff; --text: #000; --soft: #222; --muted: #555;
  --line: #ccc; --card: #f5f5f5; --you: #1d4f86; --you-bg: #f1f5fa; --link: #1d4f86;
  --good: #14602e; --note: #7a4f00; --bad: #9b1c15; --wait: #c9cfd8;
  --key: #6d2a8a; --str: #14582f; --num: #7d4000; --com: #666; --fn: #174c8d; --typ: #085760; }
  @page { margin: 17mm 15mm; }
  body { font-size: 10.5pt; line-height: 1.5; print-color-adjust: exact;
    -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  section { content-visibility: visible; } section + section { break-before: page; border: 0;
    margin: 0; padding: 0; }
  /* Paper has no clicks: what is folded is open. */
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  details { break-inside: auto; } summary { list-style: none; font-weight: 600; }
  summary::-webkit-details-marker { display: none; }
  article > header, h4, h5, h6, summary, figcaption { break-after: avoid; }
  pre, pre.flow { white-space: pre-wrap; overflow-wrap: anywhere; max-height: none;
    overflow: visible; }
  .table { overflow: visible; } tr, img, .time, dl { break-inside: avoid; }
  thead { display: table-header-group; } p { orphans: 3; widows: 3; }
  .text a[href^="http"]:not(.bare)::after { content: " (" attr(href) ")"; font-size: .85em;
    color: var(--muted); overflow-wrap: anywhere; } }
"""
