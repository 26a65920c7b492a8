import type { SettingProblem } from './problems.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings as they are meant, with what was noticed of those that were read. */
export interface GivenSettings {
  env: Environment;
  /** Values that were put right. */
  warnings: SettingProblem[];
  /** Settings whose value is a reference to Key Vault that Azure did not resolve: they count as not set. */
  unresolved: Set<string>;
}

/** What Azure leaves where it could not read the secret ("Use Key Vault references"). */
const reference = /^@Microsoft\.(KeyVault|AppConfiguration)\(/i;
export const unresolvedReference =
  'is a reference to Key Vault that Azure did not resolve. Check the identity of the function app (keyVaultReferenceIdentity for a user-assigned one), its role Key Vault Secrets User on the vault, the network rules of the vault, and that the secret and its version are there and enabled';

/** Names of settings whose quotes mean something. */
const quoted = new Set(['TOKEN_CACHE_TABLE', 'EXPIRY_INDEX_NAME']);

/**
 * The settings, each as it is meant when it is read: without the blanks, line ends and quotes that a portal or a shell left
 * around it. A password of a certificate is taken as it stands.
 */
export function givenSettings(env: Environment, verbatim: (name: string) => boolean): GivenSettings {
  const given: Omit<GivenSettings, 'env'> = { warnings: [], unresolved: new Set() };
  const seen = new Set<string>();
  const read = (name: string) => {
    const value = env[name];
    if (value === undefined || verbatim(name)) return reference.test(value?.trim() ?? '') ? unresolved(name) : value;
    const trimmed = value.trim();
    const [, mark = '', inner = ''] = /^(["'])(.*)\1$/s.exec(trimmed) ?? [];
    const meant = mark && !inner.includes(mark) && !quoted.has(name) ? inner.trim() : trimmed;
    if (meant !== value && meant !== '' && !seen.has(name))
      given.warnings.push({
        setting: name,
        message: 'has blanks, a line end or quotes around its value: they were left out',
      });
    seen.add(name);
    return reference.test(meant) ? unresolved(name) : meant || undefined;
  };
  const unresolved = (name: string) => {
    given.unresolved.add(name);
    return undefined;
  };
  return { ...given, env: new Proxy(env, { get: (_, name) => read(String(name)) }) };
}

/** App Service sets this itself when Easy Auth is on; only then does it strip a client's own principal header. */
export function usesEasyAuth(env: Environment): boolean {
  return /^true$/i.test(env.WEBSITE_AUTH_ENABLED ?? '');
}

/** The host switches a function off by `AzureWebJobs.NAME.Disabled`, on Linux by underscores (HostListenerFactory.cs). */
export function disabledFunctions(env: Environment): string[] {
  return Object.entries(env).flatMap(([setting, value = '']) => {
    const name = /^AzureWebJobs(?:\.(\w+)\.|_(\w+)_)Disabled$/.exec(setting);
    return name && /^(true|1)$/i.test(value) ? (name[1] ?? name[2] ?? []) : [];
  });
}
