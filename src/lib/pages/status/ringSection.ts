import { type Html, html } from '../../html.ts';
import type { RingView } from './ringView.ts';
import { dateText, timeText } from './wording.ts';

/** The ring as a timeline: a row for each key, the thin line from creation to activation, the bar while it is in use. */
export function ringSection(ring: RingView): Html {
  const { name, at } = ring;
  return html`<section aria-labelledby="ring-${name}">
<h2 id="ring-${name}">${name} <span class="quiet">key ring</span></h2>
${at === null ? html`<p class="quiet">No run has read it yet.</p>` : timeline(ring, at)}
</section>
`;
}

function timeline({ from, to, now, keys, olderKeys, events }: RingView, at: string): Html {
  return html`<h3>What happens next</h3>
${
  events.length === 0
    ? html`<p>Nothing is planned.</p>`
    : html`<ol class="events">${events.map(
        (event) =>
          html`<li><time datetime="${event.at}">${timeText(event.at)}</time> <span class="quiet">${event.when}</span><br>${event.what}</li>`,
      )}</ol>`
}
<h3>Keys</h3>
<ul class="timeline">${keys.map((key) => keyRow(key, now))}</ul>
<p class="ends quiet" aria-hidden="true"><span>${dateText(from)}</span><span>${dateText(to)}</span></p>
<p class="quiet">The upright line is now. The ring was read <time datetime="${at}">${timeText(at)}</time>.${olderKeys > 0 && ` ${olderKeys} older keys are not shown.`}</p>`;
}

function keyRow({ shortId, state, text, span }: RingView['keys'][number], now: number): Html {
  return html`<li class="${state}">
<p><strong>${shortId}</strong> <span class="state">${state}</span> <span class="quiet">${text}</span></p>
<svg class="lifetime" aria-hidden="true"><rect class="track" width="100%" height="100%"/><rect class="published" x="${percent(span.creation)}" width="${percent(span.activation - span.creation)}" y="6" height="2"/><rect class="used" x="${percent(span.activation)}" width="${percent(span.end - span.activation)}" y="2" height="10" rx="2"/><rect class="now" x="${percent(now)}" width="2" height="100%"/></svg>
</li>
`;
}

function percent(share: number): string {
  return `${Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 100}%`;
}
