const coming = '## Unreleased';

/**
 * The changelog with what is to come as the section of a version, and an empty section above it.
 * @throws where nothing is to come
 */
export function withRelease(changelog: string, version: string, date: string): string {
  if (sectionOf(changelog, 'Unreleased') === '')
    throw new Error('CHANGELOG.md has nothing under "## Unreleased": say there what changes for its users.');
  return changelog.replace(coming, `${coming}\n\n## ${version} (${date})`);
}

/** What the changelog says of a version; empty where it says nothing. */
export function sectionOf(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const found = sections.find((section) => section.split(/[\s(]/, 1)[0] === version);
  return found?.split('\n').slice(1).join('\n').trim() ?? '';
}
