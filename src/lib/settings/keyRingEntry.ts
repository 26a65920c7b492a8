import { z } from 'zod';
import { parseDuration } from '../durations.ts';
import { name, readBy, settingName, told } from './fields.ts';
import { formsOf, type SettingForm } from './forms.ts';

/** One ring as KEY_RINGS gives it. */

const text = told().min(1, 'must not be empty');
const duration = readBy(parseDuration, 'must be an ISO 8601 duration, such as P14D');

/** What is not a path may be the secret of something else. */
const path = text.regex(/^[^?=;,"'<>|*\p{Cc}]+$/u, 'must be the path of a folder');

/** The table of the DbSet of `PersistKeysToDbContext`, by the name of the interface's property unless the app maps it. */
const table = <K extends string>(kind: K) =>
  z.strictObject({
    kind: z.literal(kind),
    connectionStringSetting: settingName.meta({
      description:
        'The setting that holds the connection string, in ADO.NET or Npgsql form, with Entra as for a SQL cache.',
    }),
    table: text.default('DataProtectionKeys').meta({
      description:
        'The table of `PersistKeysToDbContext` (Entity Framework), in `dbo` or `public`; `auth.DataProtectionKeys` with another schema.',
    }),
  });

const store = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      kind: z.literal('folder'),
      path: path.meta({ description: 'As given to `PersistKeysToFileSystem`.' }),
    }),
    z.strictObject({
      kind: z.literal('blob'),
      url: z
        .url({ protocol: /^https?$/, error: 'must be the URL of the blob' })
        // Tokens go over TLS alone.
        .refine(
          (url) => url.startsWith('https:') || (URL.canParse(url) && new URL(url).searchParams.has('sig')),
          'must begin with https://',
        )
        .refine(
          (url) => !URL.canParse(url) || /^\/[^/]+\/./.test(new URL(url).pathname),
          'must end in the name of the blob: it is the address of an account or a container',
        )
        .optional()
        .meta({ description: "The environment's identity signs in, unless the URL has a SAS. Or the other three:" }),
      connectionStringSetting: settingName
        .optional()
        .meta({ description: "The setting that holds the storage account's connection string." }),
      container: text.optional().meta({ description: 'The name of the container.' }),
      blob: text.optional().meta({ description: 'The name of the blob.' }),
    }),
    z.strictObject({
      kind: z.literal('redis'),
      connectionStringSetting: settingName.meta({
        description:
          'The setting that holds the connection string (StackExchange.Redis form, or `rediss://`). Entra, `REDIS_AUTHENTICATION` and `REDIS_CA_FILE` as for a Redis cache; on a cluster any of its nodes may be named.',
      }),
      key: text.default('DataProtection-Keys').meta({ description: 'The key of the list.' }),
    }),
    table('sqlserver'),
    table('postgres'),
  ],
  { error: 'must have the kind blob, folder, redis, sqlserver or postgres' },
);

const protector = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({
      kind: z.literal('keyVault'),
      keyId: z
        .string()
        .regex(
          /^https:\/\/[^/?#@]+\/keys\/[0-9A-Za-z-]+(\/[0-9A-Za-z]+)?$/,
          'must be the identifier of a Key Vault key: https://VAULT/keys/NAME',
        )
        .meta({
          description: 'Best without a version, as in the apps. With a version, that version counts as the newest.',
        }),
    }),
    z.strictObject({
      kind: z.literal('certificate'),
      certificates: z
        .array(z.strictObject({ path: text, keyPath: text.optional(), passwordSetting: settingName.optional() }))
        .min(1, 'must name at least one certificate')
        .meta({
          description:
            'Each a `path` to a PFX or PEM. The first protects new keys, all unprotect. `keyPath` names the private key where it is a file of its own; `passwordSetting` names the setting that holds the password.',
        }),
    }),
  ],
  { error: 'must have the kind keyVault, certificate or none' },
);

const flag = z.boolean({ error: 'must be true or false' }).default(false);

export const keyRingEntry = z.strictObject({
  name: name.meta({ description: 'In reports, metrics and commands; emergency commands ask for it.' }),
  mode: z.enum(['observe', 'manage'], { error: 'must be observe or manage' }).default('observe').meta({
    description:
      "`observe`: status and findings, nothing is written. `manage`: this tool is the ring's only writer; switch automatic key generation off in the apps first.",
  }),
  store: store.meta({ description: 'Where the ring is.' }),
  protector: protector.meta({ description: 'What protects its keys at rest, the same as in the apps.' }),
  lifetime: duration.prefault('P90D').meta({ description: "From a key's creation to its expiry, at least `P7D`." }),
  lead: duration.prefault('P14D').meta({
    description:
      'How long before the default key expires its successor is published. At least `P5D`, at least 3 days and the longest interval of `SCHEDULE_KEY_RING`, and at least 3 days less than `lifetime`: apps on ASP.NET Core 9 and later mint beside a successor that ends sooner.',
  }),
  rewrapAfter: z
    .union([z.literal('never').transform(() => undefined), duration], {
      error: 'must be never, or an ISO 8601 duration, such as P14D',
    })
    .prefault('P7D')
    .meta({
      description:
        'The timer moves keys to a newer Key Vault key version or certificate when that is this old. `never` leaves it to the command.',
    }),
  acceptEmpty: flag.meta({
    description:
      '`true`: a ring that had keys by the records, and has none, is begun anew. Without it, that is a critical finding, and nothing is published.',
  }),
  prune: flag.meta({ description: '`true`: the timer removes keys that expired long ago.' }),
  pruneAfter: duration.prefault('P365D').meta({
    description:
      'How long ago, at least: while an entry of `caches` can live longer, longer. Re-wrapping leaves keys behind that are older.',
  }),
  caches: z.array(name).default([]).meta({
    description:
      'Names of the caches whose entries the ring protects. They are looked into before a key is pruned or revoked, by the first 20 bytes of the entries; and of a SQL cache, whether entries name keys that it lacks is a finding.',
  }),
});
export type KeyRingEntry = z.infer<typeof keyRingEntry>;

/** The fields of a ring, then those of each kind of store and protector. */
export function keyRingForms(): { kind: string; forms: SettingForm[] }[] {
  const kinds = (field: string, { options }: typeof store | typeof protector) =>
    options.map(({ shape: { kind, ...fields } }) => ({ kind: `${field}: ${kind.value}`, forms: formsOf(fields) }));
  return [
    { kind: 'the ring', forms: formsOf(keyRingEntry.shape) },
    ...kinds('store', store),
    ...kinds('protector', protector),
  ];
}
