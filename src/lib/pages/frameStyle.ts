/** Colours and shapes that all pages share. The build puts it before the style of the status page (scripts/buildStatusPage.mjs). */
export const frameStyle = `
:root { color-scheme: light dark; --page: #f6f7f8; --card: #ffffff; --text: #1c2128; --quiet: #57606a; --line: #d5dae0;
  --ok: #1a7f37; --warning: #8a5a00; --critical: #b3171f; --info: #0a5cad;
  --warning-back: #fff8e5; --critical-back: #fff0ef; --info-back: #eef5fc; }
@media (prefers-color-scheme: dark) {
  :root { --page: #101419; --card: #181d24; --text: #e4e8ee; --quiet: #9ca6b3; --line: #303842;
    --ok: #56c271; --warning: #e3b341; --critical: #ff8079; --info: #71b1f5;
    --warning-back: #2a2414; --critical-back: #301b1c; --info-back: #17222f; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 0 16px 32px; background: var(--page); color: var(--text);
  font: 16px / 1.5 system-ui, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1, h2, h3, p, dl, dd, ol, ul, figure { margin: 0; padding: 0; }
ol, ul { list-style: none; }
header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; justify-content: space-between; padding: 12px 0; }
h1 { font-size: 1rem; font-weight: 600; }
h2 { margin-bottom: 8px; font-size: 1.25rem; line-height: 1.3; }
h3 { font-size: 1rem; }
.quiet, footer { color: var(--quiet); font-size: 0.875rem; font-weight: 400; }
h2 .quiet { font-size: 1rem; }
code { font: 0.8125rem ui-monospace, "Cascadia Mono", Menlo, monospace; }
section { margin-bottom: 16px; padding: 16px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
section.state h2 { margin: 0; font-size: 2rem; }
section.state h2.ok { color: var(--ok); }
section.state h2.warning { color: var(--warning); }
section.state h2.critical { color: var(--critical); }
section.state h2.info { color: var(--info); }
.findings { display: grid; gap: 8px; margin-top: 12px; }
.findings li { padding: 8px 12px; border-left: 4px solid var(--info); border-radius: 4px; background: var(--info-back); }
.findings li.warning { border-color: var(--warning); background: var(--warning-back); }
.findings li.critical { border-color: var(--critical); background: var(--critical-back); }
.level { color: var(--info); }
.warning .level { color: var(--warning); }
.critical .level { color: var(--critical); }
table { border-collapse: collapse; }
`;
