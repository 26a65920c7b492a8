import { type Html, html } from '../../html.ts';
import { countText } from '../../sql/summaries.ts';
import { bytesText } from '../../wording.ts';
import { type CacheView, oldestFigure } from './cacheView.ts';
import { plotFigures } from './plotFigure.ts';
import { timeText } from './wording.ts';

export function cacheSection({ name, engine, running, figures, plots, readings }: CacheView): Html {
  return html`<section aria-labelledby="cache-${name}">
<h2 id="cache-${name}">${name} <span class="quiet">${engine ?? 'engine not known yet'}</span></h2>
${running !== null && html`<p class="running">${running}</p>`}
<dl class="figures">${figures.map(
    ({ label, value, note }) => html`<div><dt>${label}</dt><dd>${value}</dd><dd class="quiet">${note}</dd></div>`,
  )}</dl>
<p class="dry-run"><button type="button" data-cache="${name}" hidden>Dry run of a purge of ${name}</button> <span role="status"></span></p>
${plotFigures(plots)}
${readings.length > 0 && readingTable(name, readings)}
</section>
`;
}

function readingTable(name: string, readings: CacheView['readings']): Html {
  return html`<details id="readings-${name}">
<summary>Counts of ${name} as a table</summary>
<div class="scroll" role="region" aria-label="Counts of ${name}" tabindex="0">
<table>
<thead><tr><th scope="col">Time</th><th scope="col">Active</th><th scope="col">Expired</th><th scope="col">Data</th><th scope="col">Indexes</th><th scope="col">Oldest expired</th></tr></thead>
<tbody>${readings.map(
    (reading) =>
      html`<tr><th scope="row">${timeText(reading.at)}</th><td>${countText(reading.active)}</td><td>${countText(reading.expired)}</td><td>${sizeText(reading.dataBytes)}</td><td>${sizeText(reading.indexBytes)}</td><td>${oldestFigure(reading).value}</td></tr>
`,
  )}</tbody>
</table>
</div>
</details>`;
}

const sizeText = (bytes: number | null) => (bytes === null ? 'unknown' : bytesText(bytes));
