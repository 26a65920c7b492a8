import { type Html, html } from '../../html.ts';
import type { AppView } from './appView.ts';
import { plotFigures } from './plotFigure.ts';
import { timeText } from './wording.ts';

export function appSection({ name, at, figures, plots }: AppView): Html {
  return html`<section aria-labelledby="app-${name}">
<h2 id="app-${name}">Web app of ${name} <span class="quiet">its own telemetry</span></h2>
${
  at === null
    ? html`<p class="quiet">No look at it is recorded yet.</p>`
    : html`<dl class="figures">${figures.map(({ what, text }) => html`<div><dt>${what}</dt><dd>${text}</dd></div>`)}</dl>
<p class="quiet">Seen at <time datetime="${at}">${timeText(at)}</time>.</p>
${plotFigures(plots)}`
}
</section>
`;
}
