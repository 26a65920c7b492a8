import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const folder = new URL('../../docs/runbook/', import.meta.url);
const begin = '<!-- The table is written by `npm run docs`. -->';

/** docs/runbook/README.md, with a line for each section whose heading is the name of a finding or an alert. */
export function withIndex(text: string): string {
  const [before = '', rest = ''] = text.split(begin);
  const after = rest.slice(rest.indexOf('\n## '));
  return `${before}${begin}\n\n${index()}\n${after}`;
}

function index(): string {
  const rows = readdirSync(folder)
    .filter((file) => file !== 'README.md')
    .flatMap((file) => sectionsOf(readFileSync(new URL(file, folder), 'utf8'), file))
    .sort(([a = ''], [b = '']) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  return ['| finding or alert | what it says |', '| --- | --- |', ...rows.map(([, row]) => row)].join('\n');
}

/** Names of findings and alerts have no blank; their first sentence says what they are. */
function sectionsOf(page: string, file: string): [string, string][] {
  return [...page.matchAll(/^## ([A-Za-z_-]+)\n\n([\s\S]+?\.)\s/gm)].map(([, name = '', first = '']) => [
    name,
    `| [${name}](${basename(file)}#${name.toLowerCase()}) | ${first.replaceAll('\n', ' ').replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')} |`,
  ]);
}
