/** A login that was typed into a text that is meant to be read, as a slip of the hand: it is refused, and shown to nobody. */
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { cacheForms } from '../../src/lib/settings/cacheSettings.ts';
import { keyRingForms } from '../../src/lib/settings/keyRingEntry.ts';
import { readSettings, settingForms, settingNames } from '../../src/lib/settings/settings.ts';

/** What somebody may leave in any text, behind what belongs there. */
const slips = [
  'x password=c4nary',
  'd Passwort=c4nary',
  ';PW=c4nary',
  ';pwd=c4nary',
  '://u:p@c4nary@h/x',
  'smb://c4nary@h/x',
];
const caches = [
  {
    name: 'web',
    engine: 'sqlserver',
    connectionStringSetting: 'SQL',
    table: 'dbo.T',
    index: 'observe',
    app: { workspace: randomUUID(), workspaceSetting: 'W', role: 'shop' },
  },
  {
    name: 'sessions',
    engine: 'redis',
    connectionStringSetting: 'REDIS',
    instanceName: 'i',
    maxMemory: '1gb',
    resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Cache/redis/r',
  },
];
const policy = { mode: 'manage', lifetime: 'P90D', lead: 'P14D', rewrapAfter: 'never', pruneAfter: 'P365D' };
const protectors = {
  none: { kind: 'none' },
  keyVault: { kind: 'keyVault', keyId: 'https://v.vault.azure.net/keys/a' },
  certificate: {
    kind: 'certificate',
    certificates: [{ path: '/c.pem', keyPath: '/k.pem', passwordSetting: 'PASSWORD' }],
  },
};
const rings = [
  [{ kind: 'folder', path: '/keys' }, protectors.certificate],
  [{ kind: 'blob', url: 'https://a.blob.core.windows.net/keys/ring.xml' }, protectors.keyVault],
  [{ kind: 'blob', connectionStringSetting: 'BLOBS', container: 'keys', blob: 'ring.xml' }, protectors.none],
  [{ kind: 'redis', connectionStringSetting: 'REDIS', key: 'k' }, protectors.none],
  [{ kind: 'sqlserver', connectionStringSetting: 'SQL', table: 'dbo.Keys' }, protectors.none],
  [{ kind: 'postgres', connectionStringSetting: 'PG', table: 'public."Keys"' }, protectors.none],
].map(([store, protector], index) => ({
  name: `ring-${index}`,
  ...policy,
  store,
  protector,
  caches: ['web'],
  acceptEmpty: false,
  prune: true,
}));
const held = {
  SQL: 'Server=s;User ID=u;Password=p',
  PG: 'Host=h;Username=u;Password=p',
  REDIS: 'h:6380',
  BLOBS: 'UseDevelopmentStorage=true',
  W: randomUUID(),
  PASSWORD: 'p',
};
const lists = { TOKEN_CACHES: caches, KEY_RINGS: rings };

/** The value with a slip behind each of its texts in turn. */
function* spoiled(value: unknown, at = ''): Generator<[at: string, value: unknown]> {
  if (typeof value === 'string') for (const slip of slips) yield [`${at} ${slip}`, `${value}${slip}`];
  if (typeof value !== 'object' || value === null) return;
  for (const [name, part] of Object.entries(value))
    for (const [place, changed] of spoiled(part, `${at}.${name}`))
      yield [place, Array.isArray(value) ? value.with(Number(name), changed) : { ...value, [name]: changed }];
}

const read = (env: Record<string, string>) => readSettings({ ...held, ...env }, 'table');
const readList = (list: string, entries: unknown[]) =>
  read({ TOKEN_CACHES: JSON.stringify(caches), [list]: JSON.stringify(entries) });
const shows = (settings: unknown) =>
  /c4nary/i.test(inspect(settings, { depth: Number.POSITIVE_INFINITY, maxStringLength: null }));

it('shows none that was left in any text of a cache or a ring', () => {
  const names = JSON.stringify(lists);
  const fields = [...cacheForms(), ...keyRingForms().flatMap(({ forms }) => forms)];
  expect(fields.map(({ name }) => name.replace('app.', '')).filter((name) => !names.includes(`"${name}"`))).toEqual([]);
  // Either is enough of the workspace.
  expect(readList('KEY_RINGS', rings).problems.map(({ setting }) => setting)).toEqual(['TOKEN_CACHES']);
  const showing = Object.entries(lists).flatMap(([list, entries]) =>
    entries.flatMap((entry) => [...spoiled(entry, list)].filter(([, changed]) => shows(readList(list, [changed])))),
  );
  expect(showing.map(([at]) => at)).toEqual([]);
});

it.each(['shop:token:', 'token:cache:', 'Secret:keys'])('takes %s as the prefix and the key that it is', (key) => {
  const [, redis = {}] = caches;
  const TOKEN_CACHES = JSON.stringify([{ ...redis, instanceName: key }]);
  const store = { kind: 'redis', connectionStringSetting: 'REDIS', key };
  const KEY_RINGS = JSON.stringify([{ name: 'r', store, protector: protectors.none }]);
  expect(read({ TOKEN_CACHES, KEY_RINGS }).problems).toEqual([]);
});

it.each(settingNames)('shows none that was left in %s', (name) => {
  const byDefault = settingForms().find((form) => form.name === name)?.byDefault ?? 'file:/x';
  const texts = ['', byDefault].flatMap((value) => slips.map((slip) => `${value}${slip}`));
  expect(texts.filter((text) => shows(read({ [name]: text })))).toEqual([]);
});
