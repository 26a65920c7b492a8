import { type Evidence, statusOrder } from '../../checks/check.ts';
import type { CheckReport } from '../../checks/diagnosisReport.ts';
import { countOf } from '../../wording.ts';
import { clearCommand } from './entries/entriesSubject.ts';

/** What was found on a web app, and the caches that it may use, by what the settings say of them. */
export interface ExaminedApp {
  reports: CheckReport[];
  caches: readonly string[];
}

/** How a cause in the app shows in its cache, in its ring or in its telemetry: by causes or checks that are found there, or by figures. */
interface Link {
  causes: readonly string[];
  /** What comes of the cause: it is told with it, and not a second time. */
  shownBy: readonly (string | FigureSign)[];
  /** What has a cause of its own, which the app's makes worse: it stands beside it as well. */
  besides?: readonly string[];
}

interface FigureSign {
  check: string;
  /** Says what the figures show; undefined where they do not. */
  says(figures: ReadonlyMap<string, number>): string | undefined;
}

const plainEntries: FigureSign = {
  check: 'entries-mixture',
  says: (figures) => {
    const plain = figures.get('plain') ?? 0;
    return plain > 0
      ? `${countOf(plain, 'sampled entry is', 'sampled entries are')} in plain text, ${figures.get('encrypted') ?? 0} encrypted.`
      : undefined;
  },
};

const noEntry: FigureSign = {
  check: 'entries-kinds',
  says: (figures) =>
    figures.size > 0 && [...figures.values()].every((count) => count === 0) ? 'It holds no entry.' : undefined,
};

const links: readonly Link[] = [
  { causes: ['encrypt_without_data_protection'], shownBy: [plainEntries] },
  {
    causes: ['encrypt_with_own_keys', 'keys_not_persisted', 'keys_ephemeral', 'keys_of_one_machine', 'ring_differs'],
    shownBy: ['key_not_in_ring', 'several_rings', 'entries-rewritten', 'app-unreadable-entries'],
  },
  {
    causes: ['keys_protected_by_machine', 'ring_protector_differs', 'certificate_rotation_unprepared'],
    shownBy: ['key_does_not_unwrap', 'app-unreadable-entries'],
  },
  { causes: ['application_name_missing'], shownBy: ['app-unreadable-entries'] },
  { causes: ['keys_unprotected'], shownBy: ['keys-in-plain-text'] },
  {
    causes: ['callback_waits_in_vain'],
    shownBy: [],
    besides: ['foreign_format', 'key_not_in_ring', 'key_revoked', 'key_does_not_unwrap', 'app-unreadable-entries'],
  },
  { causes: ['cache_failure_unheard', 'callback_throws'], shownBy: [], besides: ['connection', 'app-store-errors'] },
  {
    causes: ['abort_connect', 'tls_port_without_ssl', 'not_encrypted', 'pool_too_small', 'pooling_off'],
    shownBy: ['connection-string'],
    besides: ['connection', 'redis-rejected-connections', 'app-store-errors'],
  },
  {
    causes: ['user_entries_never_expire'],
    shownBy: ['entries-lifetime', 'redis-keys-without-ttl'],
    besides: ['redis-memory', 'redis-time-until-full', 'redis-evictions', 'redis-refused-writes', 'app-memory-growth'],
  },
  { causes: ['expiry_replaces_that_of_tokens'], shownBy: ['on_behalf_of_outlives_assertion', 'entries-lifetime'] },
  {
    causes: ['sliding_default_short', 'expiry_shorter_than_token'],
    shownBy: ['sliding_shorter_than_token', 'no_sliding_expiration', 'app-hit-ratio'],
  },
  {
    causes: ['expiry_in_the_past', 'expiry_reckoned_once', 'expiry_is_a_date', 'expiry_not_positive'],
    shownBy: ['no_sliding_expiration', 'app-store-errors', 'app-hit-ratio', noEntry],
  },
  {
    causes: [
      'memory_cache_wins',
      'memory_cache_in_production',
      'no_distributed_cache',
      'distributed_memory_cache',
      'token_cache_absent',
    ],
    shownBy: ['app-hit-ratio', 'app-memory-growth', noEntry],
  },
  { causes: ['instance_name_differs', 'table_differs'], shownBy: ['instance-name', noEntry] },
  { causes: ['l1_cache_off'], shownBy: ['app-latency'], besides: ['slow_reads', 'large_entries', 'connection'] },
  { causes: ['l1_cache_unbounded'], shownBy: ['app-memory-growth'] },
  { causes: ['size_limit_turns_entries_away'], shownBy: ['app-hit-ratio', 'app-latency'] },
  { causes: ['own_purge_on'], shownBy: ['app-purge'] },
  { causes: ['scopes_not_configured'], shownBy: ['app-failures', 'app-hit-ratio'] },
  { causes: ['package_has_a_fault'], shownBy: ['app-errors-after-deployment'], besides: ['app-unreadable-entries'] },
];

/**
 * Puts together what both sides say of one cause: the app's finding, which names the line, takes in what the cache, its ring and its
 * telemetry show of it, with their figures. Those are not told a second time.
 */
export function joinSides(apps: readonly ExaminedApp[], others: readonly CheckReport[]): CheckReport[] {
  const taken = new Set<CheckReport>();
  const joined = apps.flatMap(({ reports, caches }) => {
    const seen = others.filter(({ subject }) => !ofCache.test(subject) || caches.includes(cacheOf(subject)));
    return reports.map((report) => {
      const link = isTrouble(report) ? links.find(({ causes }) => causes.includes(report.cause ?? '')) : undefined;
      if (!link) return plainAppOf(report, seen) ?? report;
      const shown = seen.flatMap((other) => shownIn(other, link));
      for (const { other, isOwnCause } of shown) if (!isOwnCause && isTrouble(other)) taken.add(other);
      return shown.length > 0 ? together(report, shown) : report;
    });
  });
  return [...joined, ...others.filter((other) => !taken.has(other))];
}

const ofCache = /^(cache|web app of) /;
const cacheOf = (subject: string) => subject.replace(ofCache, '');
const isTrouble = ({ status }: CheckReport) => status === 'critical' || status === 'warning';

interface Shown {
  other: CheckReport;
  says: string;
  isOwnCause: boolean;
}

function shownIn(other: CheckReport, { shownBy, besides = [] }: Link): Shown[] {
  const names = [other.check, other.cause];
  if (isTrouble(other)) {
    const isOwnCause = besides.some((sign) => names.includes(sign));
    const found = isOwnCause || shownBy.some((sign) => typeof sign === 'string' && names.includes(sign));
    if (found) return [{ other, says: other.what, isOwnCause }];
  }
  if (other.status === 'unknown') return [];
  return shownBy.flatMap((sign) => {
    const says = typeof sign !== 'string' && sign.check === other.check ? sign.says(figuresOf(other)) : undefined;
    return says === undefined ? [] : [{ other, says, isOwnCause: false }];
  });
}

function figuresOf({ evidence }: CheckReport): Map<string, number> {
  return new Map(evidence.flatMap(({ what, value }) => (typeof value === 'number' ? [[what, value]] : [])));
}

function together(app: CheckReport, shown: readonly Shown[]): CheckReport {
  const all = [app, ...shown.flatMap(({ other, isOwnCause }) => (isOwnCause ? [] : other))];
  const status = statusOrder.find((each) => all.some((report) => report.status === each)) ?? app.status;
  const advice = shown.flatMap(({ other, isOwnCause }) =>
    isTrouble(other) && !isOwnCause ? (other.advice ?? []) : [],
  );
  return {
    ...app,
    status,
    subject: [...new Set([app, ...shown.map(({ other }) => other)].map(({ subject }) => subject))].join(', '),
    what: [
      app.what,
      ...shown.map(
        ({ other, says }) => `${other.subject[0]?.toUpperCase()}${other.subject.slice(1)} shows it: ${says}`,
      ),
    ].join(' '),
    evidence: [...app.evidence, ...shown.flatMap(({ other }) => evidenceOf(other))],
    advice: [...new Set([app.advice ?? '', ...advice])].join(' '),
  };
}

/** Figures of another side, which tell whose they are. */
function evidenceOf({ subject, check, cause, evidence }: CheckReport): Evidence[] {
  const named = cause === null ? [] : [{ what: `${subject}: ${check}`, value: cause }];
  return [...named, ...evidence.map((each) => ({ ...each, what: `${subject}: ${each.what}` }))];
}

/** Under this name the check of `Encrypt` tells the place at which an app is one that does not encrypt. */
export const plainPlace = 'entries in plain text';

/** Neither side is wrong by itself: the app does not encrypt, and the cache has entries that are encrypted. */
function plainAppOf(app: CheckReport, seen: readonly CheckReport[]): CheckReport | undefined {
  const place = app.evidence.find(({ what }) => what === plainPlace)?.value;
  if (app.status !== 'pass' || place === undefined) return undefined;
  const shown = seen.filter(
    (other) => other.check === 'entries-mixture' && (figuresOf(other).get('encrypted') ?? 0) > 0,
  );
  const [first] = shown;
  if (!first) return undefined;
  const encrypted = figuresOf(first).get('encrypted') ?? 0;
  const trouble: CheckReport = {
    ...app,
    status: 'critical',
    cause: 'app_reads_plain_alone',
    what: `The app does not encrypt its entries (${place}), and ${countOf(encrypted, 'sampled entry of', 'sampled entries of')} ${first.subject} ${encrypted === 1 ? 'is' : 'are'} encrypted: it cannot read them (json_parse_failed).`,
    advice: `Where other apps encrypt, write \`options.Encrypt = true;\` with their key ring here too. Where none does any more, remove the encrypted entries: ${clearCommand(cacheOf(first.subject), '--unreadable', '--expect plain')}.`,
  };
  return { ...trouble, subject: `${app.subject}, ${first.subject}`, evidence: [...app.evidence, ...evidenceOf(first)] };
}
