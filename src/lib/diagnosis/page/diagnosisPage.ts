import { createHash } from 'node:crypto';
import { Html, html } from '../../html.ts';
import type { CheckStatus } from '../check.ts';
import type { CheckReport, DiagnosisReport } from '../diagnosisReport.ts';
import { type DiagnosisView, diagnosisView, evidenceText, type TroubleView } from '../diagnosisView.ts';
import { pageStyle } from './pageStyle.ts';

/** The whole page, and the policy that lets in its own style and script alone. */
export interface DiagnosisPage {
  text: string;
  contentSecurityPolicy: string;
}

/** As on the status page: the function key leaves the address at once. A file has none. */
const script =
  "const a=new URL(location.href);for(const n of [...a.searchParams.keys()])if(n.toLowerCase()==='code')a.searchParams.delete(n);if(a.href!==location.href)history.replaceState(null,'',a)";

const words: Record<CheckStatus, string> = {
  critical: 'Critical',
  warning: 'Warning',
  unknown: 'Unknown',
  pass: 'Pass',
};

/** One document that asks for nothing from outside. */
export function diagnosisPage(report: DiagnosisReport): DiagnosisPage {
  const view = diagnosisView(report);
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<script>${new Html(script)}</script>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${view.headline} · diagnosis of the token caches</title>
<style>${new Html(pageStyle)}</style>
</head>
<body>
<header><h1>Diagnosis of the token caches</h1></header>
<main>
<section aria-labelledby="state" class="state">
<h2 id="state" class="${view.status}">${view.headline}</h2>
<p class="quiet">${view.counts}. As of <time datetime="${report.at}">${view.at}</time>.</p>
${view.troubles.length > 0 && html`<ol class="findings" aria-label="Findings, the worst first">${view.troubles.map(troubleItem)}</ol>`}
</section>
${view.passed.map(passedSection)}
</main>
<footer><p>All times are UTC. Version ${report.versions.tool ?? 'unknown'}, Node.js ${report.versions.node ?? 'unknown'}.</p></footer>
</body>
</html>
`;
  return { text, contentSecurityPolicy };
}

function troubleItem({
  status,
  check,
  subject,
  symptom,
  what,
  advice,
  section,
  evidenceText: figures,
  cause,
}: TroubleView): Html {
  return html`<li class="${status}">
<h3><span class="level">${words[status]}</span> ${check} <span class="quiet">${subject}, ${symptom}${cause !== null && html`, <code>${cause}</code>`}</span></h3>
<p>${what}</p>
${advice !== null && html`<p class="advice"><strong>${status === 'unknown' ? 'It would need:' : 'What to do:'}</strong> ${advice}</p>`}
${figures !== '' && html`<p class="quiet">${figures}</p>`}
<p class="quiet">More in <code>${section}</code>.</p>
</li>
`;
}

function passedSection({ subject, checks }: DiagnosisView['passed'][number], index: number): Html {
  return html`<section aria-labelledby="passed-${index}">
<h2 id="passed-${index}">${subject} <span class="quiet">${checks.length} passed</span></h2>
<table>
<thead><tr><th scope="col">Check</th><th scope="col">Result</th><th scope="col">Figures</th></tr></thead>
<tbody>${checks.map(passedRow)}</tbody>
</table>
</section>
`;
}

function passedRow({ check, what, evidence }: CheckReport): Html {
  return html`<tr><th scope="row">${check}</th><td>${what}</td><td class="quiet">${evidenceText(evidence)}</td></tr>
`;
}

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(pageStyle)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
