import { type Html, html } from '../html.ts';

/** A link to a section of the runbook; its path where the page does not know an address. */
export function runbookLink(section: string): Html {
  const name = section.split('/').at(-1) ?? section;
  return /^https?:\/\//.test(section) ? html`<a href="${section}">${name}</a>` : html`<code>${section}</code>`;
}
