import { readdirSync, readFileSync } from 'node:fs';
import { checkLevels } from '../../src/lib/runbook.ts';
import { settingForms } from '../../src/lib/settings/settings.ts';
import { between, code, table } from './markdown.ts';

const folder = new URL('../../docs/runbook/', import.meta.url);

/** docs/runbook/README.md, with a line for each section whose heading is the name of a finding or an alert. */
export function withIndex(text: string): string {
  const rows = sections().map(({ link, says }) => [link(''), says]);
  return between(text, table(['finding or alert', 'what it says'], rows));
}

/** docs/reference/findings.md: the levels of each, and the settings that say when it is found. */
export function withFindings(text: string): string {
  const forms = settingForms();
  const rows = sections().flatMap(({ name, link, says }) => {
    const levels = checkLevels[name];
    if (!levels) return [];
    const thresholds = forms.filter(({ meaning }) => meaning.includes(code(name)));
    const shown = thresholds.map((each) => `${code(each.name)} (${each.byDefault})`);
    return [[link('../runbook/'), levels.join(', '), says, shown.join(', ')]];
  });
  return between(text, table(['finding', 'levels', 'what it says', 'from'], rows));
}

interface Section {
  name: string;
  link(path: string): string;
  says: string;
}

/** Names of findings and alerts have no blank; their first sentence says what they are. */
function sections(): Section[] {
  return readdirSync(folder)
    .filter((file) => file !== 'README.md')
    .flatMap((file) =>
      [...readFileSync(new URL(file, folder), 'utf8').matchAll(/^## ([A-Za-z_-]+)\n\n([\s\S]+?\.)\s/gm)].map(
        ([, name = '', first = '']) => ({
          name,
          link: (path: string) => `[${name}](${path}${file}#${name.toLowerCase()})`,
          says: first.replaceAll('\n', ' ').replace(/\[([^\]]+)\]\([^)]*\)/g, '$1'),
        }),
      ),
    )
    .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
}
