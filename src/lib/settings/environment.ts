import { identityOf } from '../azure/credentials.ts';
import type { StorageAddress } from '../azure/storage.ts';
import { Secret } from '../secret.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * How to reach a service of the function app's own storage account, by the settings that the Functions host itself uses:
 * AzureWebJobsStorage, or for identity-based connections AzureWebJobsStorage__accountName or the service's own address.
 */
export function storageAddress(service: 'blob' | 'queue' | 'table', env: Environment): StorageAddress | undefined {
  const of = (name: string) => env[`AzureWebJobsStorage${name}`]?.trim() || undefined;
  const [connectionString, account] = [of(''), of('__accountName')];
  if (connectionString) return { connectionString: new Secret(connectionString) };
  const endpoint = of(`__${service}ServiceUri`) ?? (account && `https://${account}.${service}.core.windows.net`);
  return endpoint ? { endpoint, identity: identityOf(of('__clientId')) } : undefined;
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
