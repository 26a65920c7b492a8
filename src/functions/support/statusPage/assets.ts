import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Html } from '../../../lib/html.ts';

/** Script and style of the page, as they stand in it, and the Content-Security-Policy that lets in these two alone. */
export interface PageAssets {
  script: Html;
  style: Html;
  contentSecurityPolicy: string;
}

let assets: PageAssets | undefined;

/** Read when a page is asked for first. `npm run build` makes them (scripts/buildStatusPage.mjs). */
export function pageAssets(): PageAssets {
  assets ??= readAssets();
  return assets;
}

function readAssets(): PageAssets {
  const read = (name: string) => readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
  const [script, style] = [read('page.js'), read('page.css')];
  return {
    script: new Html(script),
    style: new Html(style),
    contentSecurityPolicy: [
      "default-src 'none'",
      `script-src ${hashOf(script)}`,
      `style-src ${hashOf(style)}`,
      // The icon of the page's own state.
      'img-src data:',
      // Reading the page anew.
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
