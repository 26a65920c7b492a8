import { type Html, html } from '../../html.ts';
import type { RunView } from './runView.ts';
import type { StatusView } from './statusView.ts';
import { durationText, fromNow, timeText } from './wording.ts';

/** Runs that are seen at once. */
const newest = 8;

export function runsSection({ runs, at }: StatusView): Html {
  const earlier = runs.slice(newest);
  return html`<section aria-labelledby="runs">
<h2 id="runs">Runs, and why they stopped</h2>
${
  runs.length === 0
    ? html`<p class="quiet">None is recorded yet.</p>`
    : html`<ol class="runs">${runs.slice(0, newest).map((run) => runItem(run, at))}</ol>
${earlier.length > 0 && html`<details id="earlier-runs"><summary>${earlier.length} earlier runs</summary><ol class="runs">${earlier.map((run) => runItem(run, at))}</ol></details>`}
<p class="quiet">Counts and watches that succeeded are in the plots. <code>GET /api/runs/{id}</code> has the whole record of a run.</p>`
}
</section>
`;
}

function runItem(run: RunView, at: string): Html {
  return html`<li class="${run.tone}">
<p><time datetime="${run.startedAt}">${timeText(run.startedAt)}</time> <span class="quiet">${fromNow(run.startedAt, new Date(at))}</span></p>
<p><strong>${run.job} ${run.subject}</strong> <span class="quiet">by ${run.startedBy}, took ${run.duration}</span></p>
<p><span class="reason">${run.reason}</span> <span class="quiet">${run.meaning}</span></p>
<p>${run.did} <code class="quiet">${run.runId}</code></p>
</li>
`;
}

export function timersSection({ timers, at }: StatusView): Html {
  const now = new Date(at);
  return html`<section aria-labelledby="timers">
<h2 id="timers">What runs next</h2>
${
  timers.length === 0
    ? html`<p class="quiet">Not known.</p>`
    : html`<ul class="timers">${timers.map(
        ({ name, status, lateness, lastStart, nextStart }) => html`<li class="${status}">
<p><strong>${name}</strong>${lateness !== null && status !== 'ok' && html` <span class="reason">late by ${durationText(lateness)}</span>`}</p>
<p>${nextStart === null ? 'Not planned' : html`Next <time datetime="${nextStart}">${timeText(nextStart)}</time> <span class="quiet">${fromNow(nextStart, now)}</span>`}</p>
<p class="quiet">${lastStart === null ? 'No run of it is recorded' : html`Last <time datetime="${lastStart}">${timeText(lastStart)}</time>, ${fromNow(lastStart, now)}`}</p>
</li>
`,
      )}</ul>`
}
</section>
`;
}
