import { createHash } from 'node:crypto';
import { Html, html } from '../html.ts';

/** A whole page, and the policy that lets in its own script and style alone. */
export interface Page {
  text: string;
  contentSecurityPolicy: string;
}

export interface PageParts {
  title: string;
  heading: string;
  /** The page's own, without a reference to anything outside. */
  script: string;
  style: string;
  /** A `data:` address. */
  icon?: string;
  /** Beside the heading. */
  beside?: Html;
  main: Html;
  footer: Html;
  /** What else the policy lets in. */
  alsoAllowed?: readonly string[];
}

/** The frame of every page: one document that asks for nothing from outside. */
export function frame(parts: PageParts): Page {
  const { title, heading, script, style, icon, beside, main, footer, alsoAllowed = [] } = parts;
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<script>${new Html(script)}</script>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
${icon !== undefined && html`<link rel="icon" href="${icon}">`}
<style>${new Html(style)}</style>
</head>
<body>
<header>
<h1>${heading}</h1>
${beside ?? ''}
</header>
<main>
${main}
</main>
<footer><p>All times are UTC. ${footer}</p></footer>
</body>
</html>
`;
  const contentSecurityPolicy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    ...alsoAllowed,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { text, contentSecurityPolicy };
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
