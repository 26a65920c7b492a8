import type { HttpResponseInit } from '@azure/functions';
import { html, jsonData } from '../../../lib/html.ts';
import type { StatusView } from '../../../lib/status/statusView.ts';
import { pageAnswer } from '../pageAnswer.ts';
import { pageAssets } from './assets.ts';
import { cacheSection } from './cacheSection.ts';
import { redisSection } from './redisSection.ts';
import { ringSection } from './ringSection.ts';
import { runsSection, timersSection } from './runsSection.ts';
import { stateIcon, stateSection, stateWords } from './stateSection.ts';

/**
 * The status page: one document that asks for nothing from outside. It is whole without its script, which takes the key out
 * of the address, draws the plots and reads the page anew.
 */
export function statusPage(view: StatusView): HttpResponseInit {
  const { script, style, contentSecurityPolicy } = pageAssets();
  const plots = [...view.caches, ...view.redis].flatMap((part) => part.plots);
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<script>${script}</script>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${stateWords[view.state]} · token caches</title>
<link rel="icon" href="${stateIcon(view.state)}">
<style>${style}</style>
</head>
<body>
<header>
<h1>Token caches</h1>
<p id="reading"><span id="reading-text" role="status"></span> <button id="reload" type="button" hidden>Reload</button></p>
</header>
<main>
${stateSection(view)}
${view.caches.map((cache) => cacheSection(cache))}
${view.redis.map(redisSection)}
${view.rings.map(ringSection)}
${runsSection(view)}
${timersSection(view)}
<script type="application/json" id="plots">${jsonData(plots)}</script>
</main>
<footer><p>All times are UTC. Records: ${view.recordStore}.</p></footer>
</body>
</html>
`;
  return pageAnswer(text, contentSecurityPolicy);
}
