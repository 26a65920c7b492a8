import { type Html, html } from '../../html.ts';
import type { Plot } from './plot.ts';

/** The frames that the page's script draws the plots into. Each says in words what it shows. */
export function plotFigures(plots: readonly Plot[]): Html {
  return html`<div class="plots">${plots.map(plotFigure)}</div>`;
}

function plotFigure({ id, title, times, summary }: Plot): Html {
  const enough = times.length >= 2;
  return html`<figure>
<figcaption><span class="title">${title}</span> <span class="quiet">${times.length > 0 ? summary : 'Nothing is recorded yet.'}</span></figcaption>
${
  enough
    ? html`<div class="plot" data-plot="${id}" role="img" aria-label="${title}. ${summary}"></div>`
    : html`<p class="plot empty quiet">A plot needs two readings.</p>`
}
</figure>
`;
}
