import { readFileSync } from 'node:fs';
import { html, jsonData } from '../../html.ts';
import { frame, type Page } from '../frame.ts';
import { appSection } from './appSection.ts';
import { cacheSection } from './cacheSection.ts';
import { redisSection } from './redisSection.ts';
import { ringSection } from './ringSection.ts';
import { runsSection, timersSection } from './runsSection.ts';
import { stateIcon, stateSection, stateWords } from './stateSection.ts';
import type { StatusView } from './statusView.ts';
import { timeText } from './wording.ts';

/**
 * The status page. It is whole without its script, which takes the key out of the address, draws the plots and reads the page
 * anew.
 */
export function statusPage(view: StatusView): Page {
  const plots = [...view.caches, ...view.redis, ...view.apps].flatMap((part) => part.plots);
  return frame({
    ...pageAssets(),
    title: `${stateWords[view.state]} · token caches`,
    heading: 'Token caches',
    icon: stateIcon(view.state),
    beside: html`<p id="reading"><span id="reading-text" role="status"></span> <button id="reload" type="button" hidden>Reload</button></p>`,
    main: html`${stateSection(view)}
${view.caches.map((cache) => cacheSection(cache))}
${view.redis.map(redisSection)}
${view.apps.map(appSection)}
${view.rings.map(ringSection)}
${runsSection(view)}
${timersSection(view)}
<script type="application/json" id="plots">${jsonData(plots)}</script>`,
    footer: html`Records: ${view.recordStore}. Version ${view.version}${view.deployment !== undefined && html`, built <time datetime="${view.deployment}">${timeText(view.deployment)}</time>`}.`,
    // The icon of the page's own state, and reading the page anew.
    alsoAllowed: ['img-src data:', "connect-src 'self'"],
  });
}

let assets: { script: string; style: string } | undefined;

/** Script and style of the page. Read when a page is asked for first. `npm run build` makes them (scripts/buildStatusPage.mjs). */
function pageAssets() {
  const read = (name: string) => readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
  assets ??= { script: read('page.js'), style: read('page.css') };
  return assets;
}
