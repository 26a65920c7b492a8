/** The style of the page, with the colours of the status page (statusPage/browser/colours.css). */
export const pageStyle = `
:root { color-scheme: light dark; --page: #f6f7f8; --card: #ffffff; --text: #1c2128; --quiet: #57606a; --line: #d5dae0;
  --pass: #1a7f37; --warning: #8a5a00; --critical: #b3171f; --unknown: #0a5cad;
  --warning-back: #fff8e5; --critical-back: #fff0ef; --unknown-back: #eef5fc; }
@media (prefers-color-scheme: dark) {
  :root { --page: #101419; --card: #181d24; --text: #e4e8ee; --quiet: #9ca6b3; --line: #303842;
    --pass: #56c271; --warning: #e3b341; --critical: #ff8079; --unknown: #71b1f5;
    --warning-back: #2a2414; --critical-back: #301b1c; --unknown-back: #17222f; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 0 16px 32px; background: var(--page); color: var(--text);
  font: 16px / 1.5 system-ui, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1, h2, h3, p, ol { margin: 0; padding: 0; }
ol { list-style: none; }
header { padding: 12px 0; }
h1 { font-size: 1rem; font-weight: 600; }
h2 { margin-bottom: 8px; font-size: 1.25rem; line-height: 1.3; }
h3 { font-size: 1rem; }
.quiet, footer { color: var(--quiet); font-size: 0.875rem; font-weight: 400; }
code { font: 0.8125rem ui-monospace, "Cascadia Mono", Menlo, monospace; }
section { margin-bottom: 16px; padding: 16px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
section.state h2 { margin: 0; font-size: 2rem; }
h2.pass { color: var(--pass); } h2.warning { color: var(--warning); } h2.critical { color: var(--critical); } h2.unknown { color: var(--unknown); }
.findings li { margin-top: 12px; padding: 12px; border-left: 4px solid var(--line); border-radius: 4px; }
li.critical { border-color: var(--critical); background: var(--critical-back); }
li.warning { border-color: var(--warning); background: var(--warning-back); }
li.unknown { border-color: var(--unknown); background: var(--unknown-back); }
.critical .level { color: var(--critical); } .warning .level { color: var(--warning); } .unknown .level { color: var(--unknown); }
.advice { margin: 4px 0; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 4px 12px 4px 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
tbody th { font-weight: 600; }
`;
