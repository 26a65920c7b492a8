/** Faults of packages that a token cache rests on, and how long releases are supported; each with its source. */

interface Fault {
  package: RegExp;
  /** Versions from the first up to the second, which has it no more. */
  affected: readonly (readonly [string, string])[];
  id: string;
  what: string;
  use: string;
  grave: boolean;
  source: string;
}

const faults: readonly Fault[] = [
  {
    package: /^Microsoft\.AspNetCore\.DataProtection$/i,
    affected: [['10.0.0', '10.0.7']],
    id: 'CVE-2026-40372',
    what: 'payloads can be forged, and some be decrypted',
    use: '10.0.7 or later, and revoke the keys of the time before',
    grave: true,
    source: 'https://github.com/dotnet/announcements/issues/395',
  },
  {
    package: /^Microsoft\.Identity\.Web$/i,
    affected: [['3.2.0', '3.8.2']],
    id: 'CVE-2025-32016',
    what: 'secrets of the app may be logged',
    use: '3.8.2 or later',
    grave: false,
    source: 'https://github.com/advisories/GHSA-rpq8-q44m-2rpg',
  },
  {
    package: /^(Microsoft\.Identity\.Client)$/i,
    affected: [
      ['4.49.1', '4.60.4'],
      ['4.61.0', '4.61.3'],
    ],
    id: 'CVE-2024-35255',
    what: 'a local user may get more rights',
    use: '4.61.3 or later',
    grave: false,
    source: 'https://github.com/advisories/GHSA-m5vv-6r4h-3vj9',
  },
  {
    package: /^Azure\.Identity$/i,
    affected: [['0.0.0', '1.11.4']],
    id: 'CVE-2024-35255',
    what: 'a local user may get more rights',
    use: '1.11.4 or later',
    grave: false,
    source: 'https://github.com/advisories/GHSA-m5vv-6r4h-3vj9',
  },
  {
    package: /^Microsoft\.Data\.SqlClient$/i,
    affected: [
      ['0.0.0', '2.1.7'],
      ['3.0.0', '3.1.5'],
      ['4.0.0', '4.0.5'],
      ['5.0.0', '5.1.3'],
    ],
    id: 'CVE-2024-0056',
    what: 'somebody on the way can take the encryption of the connection off',
    use: '5.1.3 or later',
    grave: true,
    source: 'https://github.com/advisories/GHSA-98g6-xh36-x2p7',
  },
];

/** @param any also faults of other versions: whether the version matters */
export function faultsOf(name: string, version: string | undefined, any = false): readonly Fault[] {
  if (version === undefined) return [];
  return faults.filter(
    (fault) =>
      fault.package.test(name) &&
      (any || fault.affected.some(([from, to]) => compare(version, from) >= 0 && compare(version, to) < 0)),
  );
}

/** Numbers, then the previews, which come before their release. */
function compare(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => {
    const [numbers = '', preview] = text.split(/-(.*)/s);
    return { numbers: numbers.split('.').map(Number), preview };
  });
  for (let part = 0; part < 4; part += 1) {
    const difference = (a?.numbers[part] ?? 0) - (b?.numbers[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return (a?.preview ? -1 : 0) - (b?.preview ? -1 : 0);
}

/** https://dotnet.microsoft.com/platform/support/policy/dotnet-core */
const dotnet: Readonly<Record<string, string>> = {
  '1': '2019-06-27',
  '2': '2021-08-21',
  '3': '2022-12-13',
  '5': '2022-05-10',
  '6': '2024-11-12',
  '7': '2024-05-14',
  '8': '2026-11-10',
  '9': '2026-11-10',
  '10': '2028-11-14',
};

/** When support ends; a release whose day is not known and has passed has `ended`. */
export type SupportEnd = Date | 'ended' | undefined;

/** Undefined for what is not known, and for .NET Framework, which Windows supports. */
export function supportEndOfFramework(name: string): SupportEnd {
  const major = /^net(?:coreapp)?(\d+)\.\d/.exec(name)?.[1];
  const end = major && dotnet[major];
  return end ? new Date(end) : undefined;
}

/** Versions before 3.0.0 are no longer supported (the table "Version Lifecycle and Support Matrix" of its page on nuget.org). */
export function supportEndOf(name: string, version: string | undefined): SupportEnd {
  if (version === undefined) return undefined;
  if (/^Microsoft\.Identity\.Web(\.|$)/i.test(name)) return compare(version, '3.0.0') < 0 ? 'ended' : undefined;
  // These have the major of their .NET; others of the same beginning count for themselves.
  const follows =
    /^Microsoft\.(AspNetCore\.(Authentication\.(OpenIdConnect|JwtBearer)|DataProtection(\..*)?)|Extensions\.Caching\.(StackExchangeRedis|SqlServer|Memory))$/i;
  if (!follows.test(name)) return undefined;
  // Those of ASP.NET Core 2 are supported on .NET Framework.
  const major = version.split('.')[0] ?? '';
  const end = major === '2' ? undefined : dotnet[major];
  return end ? new Date(end) : undefined;
}
