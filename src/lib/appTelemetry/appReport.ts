import { z } from 'zod';

const count = z.int();
const orUnknown = <T extends z.ZodType>(schema: T) => schema.nullable();

export const appCalls = z.object({
  l1Hits: count.meta({ description: "Tokens from the memory of the app's process." }),
  l2Hits: count.meta({ description: 'Tokens from the distributed cache.' }),
  otherHits: count.meta({ description: 'Tokens from a cache whose level MSAL does not tell.' }),
  misses: count.meta({
    description:
      'No token in any cache, so one of the identity provider. A distributed cache that fails looks like this too.',
  }),
  lost: count.meta({
    description:
      'Calls for a user whose entry is in no cache (user_null, no_tokens_found, obo_cache_key_not_in_cache_error): the user signs in again.',
  }),
  refreshes: count.meta({ description: 'The entry was there, its access token had expired.' }),
  proactive: count.meta({ description: 'Refreshed in the background, before the token expired.' }),
  bypassed: count.meta({ description: 'A token was asked for past the cache: forced, for claims, or cache disabled.' }),
  signIns: count.meta({ description: 'Authorization codes redeemed.' }),
  starts: count.meta({ description: 'Long-running calls on behalf of users that began.' }),
  failures: count,
});
export type AppCalls = z.infer<typeof appCalls>;

const ratio = z.number();
const latency = z.object({ calls: count, meanMs: z.number(), maxMs: z.number() });

/** What a web app's own telemetry says of its token cache. Counts and times alone: nothing about a person. */
export const appReport = z
  .object({
    role: z.string(),
    from: z.iso.datetime(),
    to: z.iso
      .datetime()
      .meta({ description: 'The figures are of this time; `series`, `versions` and `memory` of longer.' }),
    partial: z.array(z.string()).meta({
      description: 'Queries of which the service gave a part alone: their figures are null.',
    }),
    calls: orUnknown(appCalls).meta({ description: 'Null where the workspace has no metric of MSAL under this role.' }),
    hitRatio: orUnknown(z.object({ l1: ratio, l2: ratio, all: ratio })).meta({
      description:
        'The share of hits among hits, misses and lost entries; redemptions of codes, refreshes and forced calls are left out. Null for too few calls.',
    }),
    l1Latency: orUnknown(latency).meta({
      description: 'By hits in memory. Each tells the distributed cache too, so that a slow one is seen here.',
    }),
    l2Latency: orUnknown(latency).meta({ description: 'By hits in the distributed cache.' }),
    failures: orUnknown(z.array(z.object({ code: z.string(), sts: z.string().nullable(), calls: count }))).meta({
      description:
        "By MSAL's error code, and the number of the AADSTS error where there is one; the most frequent first.",
    }),
    unreadable: z.object({
      failures: orUnknown(count).meta({ description: 'Calls that failed with json_parse_failed.' }),
      encrypting: orUnknown(count).meta({ description: 'Log warnings 103 of an app that encrypts its entries.' }),
      plain: orUnknown(count).meta({ description: 'Log warnings 103 of an app that does not encrypt.' }),
    }),
    storeErrors: orUnknown(z.array(z.object({ type: z.string(), count }))).meta({
      description: 'Log errors 103 of the distributed cache, by type of exception. Null where no log arrives.',
    }),
    users: orUnknown(count).meta({ description: 'Null where the requests of the app do not tell users apart.' }),
    providerTokens: orUnknown(count).meta({ description: 'Tokens for users that came from the identity provider.' }),
    providerTokensPerUser: orUnknown(z.number()),
    memory: orUnknown(
      z.object({
        instances: count,
        largestBytes: z.number(),
        bytesPerHour: orUnknown(z.number()).meta({
          description: 'By the instance that grows most steadily; null for fewer than 6 hours of any.',
        }),
      }),
    ),
    series: z
      .array(z.object({ at: z.iso.datetime(), calls: count, signIns: count, misses: count, failures: count }))
      .meta({ description: '5 minutes each, of the last 6 hours; `misses` with lost entries, `failures` without.' }),
    versions: z
      .array(z.object({ version: z.string(), since: z.iso.datetime() }))
      .meta({ description: 'The app, by the `service.version` that it tells; the newest first.' }),
    otherRoles: z
      .array(z.string())
      .meta({ description: 'Where there is none of this role: roles with metrics of MSAL.' }),
  })
  .meta({ id: 'AppReport' });
export type AppReport = z.infer<typeof appReport>;
