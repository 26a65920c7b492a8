import type { CheckStatus } from '../../checks/check.ts';
import type { CheckReport, DiagnosisReport } from '../../checks/diagnosisReport.ts';
import { type Html, html } from '../../html.ts';
import { runbookFolder } from '../../runbook.ts';
import { frame, type Page } from '../frame.ts';
import { frameStyle } from '../frameStyle.ts';
import { runbookLink } from '../runbookLink.ts';
import { type DiagnosisView, diagnosisView, evidenceText } from './diagnosisView.ts';

/** As on the status page: the function key leaves the address at once. A file has none. */
const script =
  "const a=new URL(location.href);for(const n of [...a.searchParams.keys()])if(n.toLowerCase()==='code')a.searchParams.delete(n);if(a.href!==location.href)history.replaceState(null,'',a)";

const words: Record<CheckStatus, string> = {
  critical: 'Critical',
  warning: 'Warning',
  unknown: 'Unknown',
  pass: 'Pass',
};

const style = `${frameStyle}.advice { margin: 4px 0; }
table { width: 100%; }
th, td { padding: 4px 12px 4px 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
tbody th { font-weight: 600; }
`;
const headings: Record<CheckStatus, string> = { critical: 'critical', warning: 'warning', unknown: 'info', pass: 'ok' };

/** The diagnosis as a page, for the browser or a file. @param runbook where the runbook is read */
export function diagnosisPage(report: DiagnosisReport, runbook = runbookFolder): Page {
  const view = diagnosisView(report);
  const { tool, node } = report.versions;
  return frame({
    title: `${view.headline} · diagnosis of the token caches`,
    heading: 'Diagnosis of the token caches',
    script,
    style,
    main: html`<section aria-labelledby="state" class="state">
<h2 id="state" class="${headings[view.status]}">${view.headline}</h2>
<p class="quiet">${view.counts}. As of <time datetime="${report.at}">${view.at}</time>.</p>
${view.troubles.length > 0 && html`<ol class="findings" aria-label="Findings, the worst first">${view.troubles.map((each) => troubleItem({ ...each, section: each.section.replace(runbookFolder, runbook) }))}</ol>`}
</section>
${view.passed.map(passedSection)}`,
    footer: html`Version ${tool ?? 'unknown'}, Node.js ${node ?? 'unknown'}.`,
  });
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
}: DiagnosisView['troubles'][number]): Html {
  return html`<li class="${status}">
<h3><span class="level">${words[status]}</span> ${check} <span class="quiet">${subject}, ${symptom}${cause !== null && html`, <code>${cause}</code>`}</span></h3>
<p>${what}</p>
${advice !== null && html`<p class="advice"><strong>${status === 'unknown' ? 'It would need:' : 'What to do:'}</strong> ${advice}</p>`}
${figures !== '' && html`<p class="quiet">${figures}</p>`}
<p class="quiet">Runbook: ${runbookLink(section)}</p>
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
