import { readFileSync } from 'node:fs';

/** Script and style of the status page, as they stand in it. */
export interface PageAssets {
  script: string;
  style: string;
}

let assets: PageAssets | undefined;

/** Read when a page is asked for first. `npm run build` makes them (scripts/buildStatusPage.mjs). */
export function pageAssets(): PageAssets {
  const read = (name: string) => readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
  assets ??= { script: read('page.js'), style: read('page.css') };
  return assets;
}
