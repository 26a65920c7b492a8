import { type Html, html } from '../../html.ts';
import { plotFigures } from './plotFigure.ts';
import type { RedisView } from './redisView.ts';
import { timeText } from './wording.ts';

export function redisSection({ name, at, running, nodes, sentinels, notTold, plots }: RedisView): Html {
  return html`<section aria-labelledby="redis-${name}">
<h2 id="redis-${name}">${name} <span class="quiet">redis</span></h2>
${running !== null && html`<p class="running">${running}</p>`}
${
  at === null
    ? html`<p class="quiet">No look at it is recorded yet.</p>`
    : html`<ul class="nodes">${nodes.map(nodeItem)}</ul>
<p class="quiet">Seen at <time datetime="${at}">${timeText(at)}</time>.</p>
${sentinels !== null && html`<p>${sentinels}</p>`}
${notTold.length > 0 && html`<p class="quiet">Not told by the server, and so not judged: ${notTold.join('; ')}.</p>`}
${plotFigures(plots)}`
}
</section>
`;
}

function nodeItem({ node, up, utilization, memory, evictions }: RedisView['nodes'][number]): Html {
  const percent = utilization === null ? null : Math.round(Math.min(1, Math.max(0, utilization)) * 100);
  return html`<li class="${up ? 'up' : 'down'}">
<h3>${node}</h3>
<p>Memory: ${memory}</p>
${percent !== null && html`<svg class="bar" aria-hidden="true"><rect class="rest" width="100%" height="100%"/><rect class="${fill(percent)}" width="${percent}%" height="100%"/></svg>`}
<p>Evicted: ${evictions}</p>
</li>
`;
}

/** As the watch's thresholds by default. */
function fill(percent: number): string {
  return percent >= 90 ? 'critical' : percent >= 75 ? 'warning' : 'ok';
}
