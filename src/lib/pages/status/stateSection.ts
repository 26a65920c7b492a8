import type { ToldFinding } from '../../findings/finding.ts';
import { type Html, html } from '../../html.ts';
import { runbookLink } from '../runbookLink.ts';
import type { StatusView } from './statusView.ts';
import { fromNow, timeText } from './wording.ts';

export const stateWords: Record<StatusView['state'], string> = {
  ok: 'All is well',
  warning: 'Look by day',
  critical: 'Look now',
};

const levelWords: Record<ToldFinding['level'], string> = { info: 'Note', warning: 'Warning', critical: 'Critical' };

/** Shapes as well as colours, for those who cannot tell the colours apart. */
const shapes: Record<StatusView['state'], string> = {
  ok: "<circle cx='8' cy='8' r='7' fill='#1a7f37'/>",
  warning: "<path d='M8 1l7 14H1z' fill='#d4a017'/>",
  critical: "<path d='M1 1h14v14H1z' fill='#d1242f'/>",
};

export function stateIcon(state: StatusView['state']): string {
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>${shapes[state]}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** The state first, then what to do. */
export function stateSection({ state, health, at, findings }: StatusView): Html {
  return html`<section aria-labelledby="state" class="state">
<h2 id="state" class="${state}">${stateWords[state]}</h2>
<p class="quiet">Health is <strong>${health}</strong>, ${countsOf(findings)}. As of <time id="at" datetime="${at}">${timeText(at)}</time>.</p>
${findings.length > 0 && html`<ol class="findings" aria-label="Findings, the worst first">${findings.map((finding) => findingItem(finding, at))}</ol>`}
</section>`;
}

function findingItem({ check, level, subject, what, advice, runbook, since }: ToldFinding, at: string): Html {
  return html`<li class="${level}">
<h3><span class="level">${levelWords[level]}</span> ${subject}, <code>${check}</code></h3>
<p>${what}</p>
<p class="advice"><strong>What to do:</strong> ${advice}</p>
<p class="quiet">Runbook: ${runbookLink(runbook)}</p>
${since !== null && html`<p class="quiet">Since <time datetime="${since}">${timeText(since)}</time>, ${fromNow(since, new Date(at))}.</p>`}
</li>
`;
}

function countsOf(findings: readonly ToldFinding[]): string {
  const parts = (['critical', 'warning', 'info'] as const).flatMap((level) => {
    const count = findings.filter((finding) => finding.level === level).length;
    const word = {
      critical: 'critical',
      warning: count === 1 ? 'warning' : 'warnings',
      info: count === 1 ? 'note' : 'notes',
    };
    return count === 0 ? [] : [`${count} ${word[level]}`];
  });
  return parts.length === 0 ? 'nothing was found' : parts.join(', ');
}
