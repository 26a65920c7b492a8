import { z } from 'zod';
import { parseDuration } from '../durations.ts';
import { name, settingName } from './fields.ts';

/** One ring as KEY_RINGS gives it; docs/reference/settings.md explains each field. */

const text = z.string().min(1, 'must not be empty');
const duration = z.string().transform((value, context) => {
  const ms = parseDuration(value);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: 'must be an ISO 8601 duration, such as P14D' });
  return z.NEVER;
});

/** Told in reports: what is no path may be the secret of something else. */
const path = text.regex(/^[^?=;,"'<>|*\p{Cc}]+$/u, 'must be the path of a folder');

/** Of `PersistKeysToDbContext`: the table of its DbSet, by the name of the interface's property unless the app maps it. */
const table = <K extends string>(kind: K) =>
  z.strictObject({
    kind: z.literal(kind),
    connectionStringSetting: settingName,
    table: text.default('DataProtectionKeys'),
  });

const store = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('folder'), path }),
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
        .optional(),
      connectionStringSetting: settingName.optional(),
      container: text.optional(),
      blob: text.optional(),
    }),
    z.strictObject({
      kind: z.literal('redis'),
      connectionStringSetting: settingName,
      key: text.default('DataProtection-Keys'),
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
        ),
    }),
    z.strictObject({
      kind: z.literal('certificate'),
      certificates: z
        .array(z.strictObject({ path: text, keyPath: text.optional(), passwordSetting: settingName.optional() }))
        .min(1, 'must name at least one certificate'),
    }),
  ],
  { error: 'must have the kind keyVault, certificate or none' },
);

export const keyRingEntry = z.strictObject({
  name,
  mode: z.enum(['observe', 'manage'], { error: 'must be observe or manage' }).default('observe'),
  store,
  protector,
  lifetime: duration.prefault('P90D'),
  lead: duration.prefault('P14D'),
  rewrapAfter: z.union([z.literal('never').transform(() => undefined), duration]).prefault('P7D'),
  acceptEmpty: z.boolean({ error: 'must be true or false' }).default(false),
  prune: z.boolean({ error: 'must be true or false' }).default(false),
  pruneAfter: duration.prefault('P365D'),
  caches: z.array(name).default([]),
});
export type KeyRingEntry = z.infer<typeof keyRingEntry>;
